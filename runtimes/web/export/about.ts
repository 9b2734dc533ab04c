// What this page runs, in a list.

import { byId, element } from "./elements.ts";
import type { AppSettings, TensorSpec } from "./settings.ts";

export function showAbout(settings: AppSettings, inForce: Readonly<Record<string, string>>): void {
  const { artifact, inputs, outputs } = settings;
  const rows: [string, string][] = [
    ["Artifact", `${artifact.name}, ${kilobytes(artifact.size_bytes)}`],
    ["Runtime", `${inForce["runtime"] ?? settings.runtime}, ${inForce["backend"] ?? ""}`],
    ["Takes", inputs.map(tensor).join("; ")],
    ["Gives", outputs.map(tensor).join("; ")],
    ["sha256", artifact.sha256],
  ];
  const items = rows.flatMap(([name, value]) => [element("dt", name), element("dd", value)]);
  byId("about-list").replaceChildren(...items);
  byId("facts").textContent =
    `${artifact.name}, ${kilobytes(artifact.size_bytes)}. It runs on this device: ` +
    "nothing that you give leaves it.";
  byId("about").hidden = false;
}

export function kilobytes(bytes: number): string {
  const kb = bytes / 1000;
  return kb < 1000 ? `${kb.toFixed(kb < 100 ? 1 : 0)} kB` : `${(kb / 1000).toFixed(1)} MB`;
}

function tensor({ name, dtype, shape }: TensorSpec): string {
  return `${name}: ${dtype} [${shape.map((size) => size ?? "any").join(", ")}]`;
}

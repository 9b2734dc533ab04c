// The goldens as examples: one button each.

import type { Arrays } from "../page/tensors.ts";
import { byId, element } from "./elements.ts";
import type { RawItems } from "./feeds.ts";
import { paint } from "./picture.ts";
import { toRgba } from "./pixels.ts";
import { goldenItem } from "./self_test.ts";
import type { AppSettings, GoldenSettings } from "./settings.ts";

export function showExamples(
  settings: AppSettings & { goldens: GoldenSettings },
  arrays: Arrays,
  choose: (raw: RawItems) => void,
): void {
  const list = byId("example-list");
  for (let index = 0; index < settings.goldens.items; index++) {
    const raw = goldenItem(settings, arrays, index);
    const button = element("button", "", { type: "button" });
    if (settings.kind === "image") {
      const [{ shape, data }] = [...raw.values()] as [{ shape: number[]; data: Float32Array }];
      const canvas = element("canvas");
      paint(canvas, toRgba(shape, data, settings.pixels!));
      canvas.setAttribute("aria-hidden", "true");
      button.append(canvas);
      button.setAttribute("aria-label", `Example ${index + 1}`);
    } else button.textContent = `Example ${index + 1}`;
    button.addEventListener("click", () => choose(raw));
    const item = element("li");
    item.append(button);
    list.append(item);
  }
  const section = byId("examples");
  if (settings.kind === "form") byId("work").prepend(section); // first what fills the form
  section.hidden = false;
}

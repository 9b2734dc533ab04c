// The question to whoever holds the device: what will run here, and the tap that allows it.

import { keepAwake } from "./awake.ts";
import type { Link, Message } from "./link.ts";

const LONGEST_LABEL = 40;
const ONE_THREAD =
  "This page is not isolated (no TLS, or a browser too old), so everything runs in one thread here.";

interface Hints {
  readonly userAgentData?: {
    getHighEntropyValues(hints: readonly string[]): Promise<{ readonly model?: string }>;
  };
}

/** Shows the job `ask` in `root` until it is tapped, or something else is shown. */
export class Asking {
  readonly #root: HTMLElement;
  readonly #link: Link;

  constructor(root: HTMLElement, link: Link) {
    this.#root = root;
    this.#link = link;
  }

  show(message: Message): void {
    const lines = Array.isArray(message.lines) ? message.lines.map(String) : [];
    const form = element("form", { id: "asking" });
    const name = nameField(String(message.label ?? ""));
    const start = element("button", { type: "submit", textContent: "Start" });
    const parts: HTMLElement[] = [
      element("h2", { textContent: "Measure on this device?" }),
      element("p", { textContent: String(message.what ?? "") }),
      list(lines),
      name,
    ];
    if (!globalThis.crossOriginIsolated) parts.push(element("p", { textContent: ONE_THREAD }));
    form.append(
      ...parts,
      start,
      element("p", { textContent: "Keep this page open, in sight, and the device on power." }),
    );
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      start.disabled = true;
      void keepAwake();
      this.#answer(String(message.id), (name.querySelector("input") as HTMLInputElement).value);
    });
    this.hide();
    this.#root.append(form);
    start.focus();
  }

  hide(): void {
    this.#root.querySelector("#asking")?.remove();
  }

  #answer(id: string, label: string): void {
    const sender = this.#link.sender(id);
    sender.add({ row: "ready", label: label.trim().slice(0, LONGEST_LABEL) });
    sender.add({ row: "done" });
    this.hide();
  }
}

function nameField(label: string): HTMLElement {
  const input = element("input", { maxLength: LONGEST_LABEL, autocomplete: "off", value: label });
  const field = element("label", { textContent: "Name of this device in the results " });
  field.append(input);
  void model().then((found) => {
    if (found && input.value === label) input.value = found;
  });
  return field;
}

/** `Pixel 7`, of a browser that says so. */
async function model(): Promise<string> {
  try {
    const data = (navigator as Hints).userAgentData;
    return (await data?.getHighEntropyValues(["model"]))?.model ?? "";
  } catch {
    return "";
  }
}

function list(lines: readonly string[]): HTMLElement {
  const all = element("ul", {});
  all.append(...lines.map((line) => element("li", { textContent: line })));
  return all;
}

function element<K extends keyof HTMLElementTagNameMap>(
  kind: K,
  properties: Partial<HTMLElementTagNameMap[K]>,
): HTMLElementTagNameMap[K] {
  return Object.assign(document.createElement(kind), properties);
}

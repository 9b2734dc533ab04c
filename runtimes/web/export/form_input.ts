// A form as the input: one box for each number that the model takes.

import { byId, element } from "./elements.ts";
import type { RawItems } from "./feeds.ts";
import type { AppSettings, Field } from "./settings.ts";

type Box = HTMLInputElement | HTMLSelectElement;

export interface FormInput {
  /** Fill in an item (of the goldens). */
  show: (raw: RawItems) => void;
}

export function setUpForm(settings: AppSettings, ask: (raw: RawItems) => void): FormInput {
  const fields = settings.fields!;
  const boxes = fields.map(makeBox);
  byId("fields").replaceChildren(...fields.map((field, i) => labelled(field, boxes[i]!, i)));
  const form = byId<HTMLFormElement>("form");
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const values = fields.map((field, i) => read(field, boxes[i]!));
    const wrong = values.findIndex((value) => value === null);
    if (wrong >= 0) boxes[wrong]!.focus();
    else ask(toItems(settings, fields, values as number[]));
  });
  form.addEventListener("reset", () => boxes.forEach((box) => mark(box, "")));
  form.hidden = false;
  return {
    show: (raw) =>
      fields.forEach(({ input, index, type }, i) => {
        const value = raw.get(input)!.data[index]!;
        boxes[i]!.value = type === "yes-no" ? String(Number(value !== 0)) : shortest(value);
        mark(boxes[i]!, "");
      }),
  };
}

function makeBox({ type }: Field, place: number): Box {
  const id = `field-${place}`;
  if (type === "yes-no") {
    const box = element("select", "", { id });
    box.append(element("option", "no", { value: "0" }), element("option", "yes", { value: "1" }));
    return box;
  }
  // not type=number: it turns what it can't read into nothing, and a wheel changes it
  const inputMode = type === "integer" ? "numeric" : "decimal";
  return element("input", "", { id, inputMode, autocomplete: "off", required: true });
}

function labelled({ label }: Field, box: Box, place: number): HTMLElement {
  const whole = element("div");
  const why = element("span", "", { className: "why", id: `why-${place}` });
  whole.append(element("label", label, { htmlFor: box.id }), box, why);
  return whole;
}

/** The value; null, and the reason beside the box, where it is none. */
function read({ type }: Field, box: Box): number | null {
  const found = toNumber(box.value, type);
  mark(box, typeof found === "string" ? found : "");
  return typeof found === "string" ? null : found;
}

const MOST = 2 ** 24; // from there on float32 leaves numbers out

/** The number that was typed, with a point or a comma; words where it is none, or might be two. */
export function toNumber(typed: string, type: Field["type"]): number | string {
  const text = typed.trim();
  const value = Number(text.replace(",", "."));
  if (!text) return "a number is missing";
  if (!Number.isFinite(value)) return "this is not a number";
  if (/^[+-]?[1-9]\d{0,2},\d{3}$/.test(text)) {
    return `${text.replace(",", ".")} or ${text.replace(",", "")}? Write it without the comma`;
  }
  if (type === "integer" && !Number.isInteger(value)) return "a whole number, please";
  if (type === "integer" && Math.abs(value) > MOST) return "at most 16777216, please";
  return value;
}

function mark(box: Box, problem: string): void {
  const why = byId(box.id.replace("field", "why"));
  why.textContent = problem;
  box.classList.toggle("wrong", Boolean(problem));
  box.setAttribute("aria-invalid", String(Boolean(problem)));
  if (problem) box.setAttribute("aria-describedby", why.id);
  else box.removeAttribute("aria-describedby");
}

function toItems({ inputs }: AppSettings, fields: Field[], values: number[]): RawItems {
  return new Map(
    inputs.map(({ name, shape }) => {
      const own = values.filter((_, i) => fields[i]!.input === name);
      return [name, { shape: shape.slice(1) as number[], data: Float32Array.from(own) }];
    }),
  );
}

/** A float32 in as few digits as name it: 0.1, not 0.10000000149. */
export function shortest(value: number): string {
  for (let digits = 1; digits < 10; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return String(short);
  }
  return String(value);
}

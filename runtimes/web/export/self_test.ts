// The goldens as a test of this page: raw items through preprocessing and model, against the
// answers that the source gave to them.
//
// A difference is divided by the range of the source's output; what is allowed depends on the
// scheme (`edgewright_converters/tolerances.py`).

import type { Arrays, Tensor } from "../page/tensors.ts";
import { itemOf, makeFeeds, type RawItems } from "./feeds.ts";
import type { AppSettings, GoldenSettings } from "./settings.ts";

export interface ItemResult {
  largest: number;
  ok: boolean;
}

export interface TestResult {
  items: ItemResult[];
  passed: number;
  largest: number;
  /** Of the output where it is greatest. */
  mean: number;
  /** Null where the goldens can't decide it. */
  ok: boolean | null;
}

type Told = Pick<AppSettings, "inputs" | "preprocess"> & { goldens: GoldenSettings };

/** Item `index` of the goldens. */
export function goldenItem(told: Told, arrays: Arrays, index: number): RawItems {
  const named = told.inputs.map(({ name }) => [
    name,
    itemOf(stored(arrays, `input/${name}`), index),
  ]);
  return new Map(named as [string, ReturnType<typeof itemOf>][]);
}

/** Runs every golden item; `run` gives the outputs of one. */
export async function selfTest(
  told: Told,
  arrays: Arrays,
  run: (feeds: Arrays) => Promise<Arrays>,
  tell: (done: number) => void = () => undefined,
): Promise<TestResult> {
  const { items: count, ranges, allowed, verdict } = told.goldens;
  const fed = told.goldens.real ? told : { ...told, preprocess: {} };
  const items: ItemResult[] = [];
  const sums = new Map(Object.keys(ranges).map((name) => [name, { sum: 0, count: 0 }]));
  for (let index = 0; index < count; index++) {
    const found = await run(makeFeeds(fed, goldenItem(told, arrays, index)));
    let [largest, ok] = [0, true];
    for (const [name, total] of sums) {
      const expected = stored(arrays, `output/${name}`);
      const errors = differences(expected, index, found.get(name), ranges[name]!);
      const worst = errors.reduce((a, b) => Math.max(a, b), 0);
      const limit = isReal(expected) ? allowed.largest : allowed.flips;
      const off = isReal(expected) ? worst : share(errors);
      [largest, ok] = [Math.max(largest, off), ok && off <= limit];
      total.sum += errors.reduce((a, b) => a + b, 0);
      total.count += errors.length;
    }
    items.push({ largest, ok });
    tell(index + 1);
  }
  return summary(items, sums, arrays, allowed.mean, verdict);
}

function summary(
  items: ItemResult[],
  sums: ReadonlyMap<string, { sum: number; count: number }>,
  arrays: Arrays,
  allowedMean: number,
  verdict: boolean,
): TestResult {
  const real = [...sums].filter(([name]) => isReal(stored(arrays, `output/${name}`)));
  const means = real.map(([, { sum, count }]) => sum / Math.max(1, count));
  const mean = Math.max(0, ...means);
  const passed = items.filter((item) => item.ok).length;
  const ok = verdict ? passed === items.length && mean <= allowedMean : null;
  return { items, passed, largest: Math.max(0, ...items.map((i) => i.largest)), mean, ok };
}

/** Over the range, where the source's value is finite; what is missing or NaN is infinitely off. */
function differences(
  expected: Tensor,
  index: number,
  found: Tensor | undefined,
  range: number,
): number[] {
  const wanted = itemOf(expected, index).data;
  const got = found && itemOf(found, 0).data;
  if (got?.length !== wanted.length) return [Infinity];
  const errors: number[] = [];
  wanted.forEach((value, i) => {
    if (!Number.isFinite(value)) return;
    const error = Math.abs(got[i]! - value) / range;
    errors.push(Number.isNaN(error) ? Infinity : error);
  });
  return errors;
}

function share(errors: number[]): number {
  return errors.filter((error) => error > 0).length / Math.max(1, errors.length);
}

function isReal({ dtype }: Tensor): boolean {
  return dtype === "float32" || dtype === "float64";
}

function stored(arrays: Arrays, name: string): Tensor {
  const tensor = arrays.get(name);
  if (!tensor) throw new Error(`the goldens hold no ${name}`);
  return tensor;
}

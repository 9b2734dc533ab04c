import { expect, test } from "vitest";

import { itemOf, makeFeeds } from "../../export/feeds.ts";
import { shortest } from "../../export/form_input.ts";
import { selfTest } from "../../export/self_test.ts";
import type { GoldenSettings } from "../../export/settings.ts";
import type { Arrays, DType, Tensor } from "../../page/tensors.ts";

const real = (shape: number[], ...values: number[]): Tensor => ({
  dtype: "float32",
  shape,
  data: Float32Array.from(values),
});
const spec = (name: string, ...shape: (number | null)[]) => ({
  name,
  dtype: "float32" as DType,
  shape,
});
const goldens: GoldenSettings = {
  file: "",
  real: true,
  items: 2,
  ranges: { y: 2 },
  allowed: { largest: 0.1, mean: 0.06, flips: 0 },
  verdict: true,
};
const told = { inputs: [spec("x", null, 2)], preprocess: { scale: 10 }, goldens };
const arrays: Arrays = new Map([
  ["input/x", real([2, 2], 1, 2, 3, 4)],
  ["output/y", real([2, 1], 30, 70)],
]);

/** Sums what it is fed, and is off by so much on each item. */
function summing(...off: number[]) {
  return (feeds: Arrays): Promise<Arrays> => {
    const { data, shape } = feeds.get("x")!;
    expect(shape).toEqual([1, 2]);
    const sum = Number(data[0]) + Number(data[1]) + off.shift()!;
    return Promise.resolve(new Map([["y", real([1, 1], sum)]]));
  };
}

test("raw items go through the preprocessing and the model, and pass", async () => {
  const result = await selfTest(told, arrays, summing(0, 0.1));
  expect(result.items.map((item) => item.ok)).toEqual([true, true]);
  expect([result.passed, result.ok]).toEqual([2, true]);
  expect(result.largest).toBeCloseTo(0.05, 5);
  expect(result.mean).toBeCloseTo(0.025, 5);
});

test("an item that is off fails, by its largest difference", async () => {
  const result = await selfTest(told, arrays, summing(0, 0.3));
  expect([result.passed, result.ok]).toEqual([1, false]);
  expect(result.largest).toBeCloseTo(0.15, 5);
});

test("items that are all a little off fail by their mean", async () => {
  const result = await selfTest(told, arrays, summing(0.19, 0.19));
  expect([result.passed, result.ok]).toEqual([2, false]);
});

test("what is not a number, or not there, is infinitely off", async () => {
  const lost = await selfTest(told, arrays, summing(NaN, 0));
  expect([lost.passed, lost.largest]).toEqual([1, Infinity]);
  const none = await selfTest(told, arrays, () => Promise.resolve(new Map()));
  expect([none.passed, none.ok]).toEqual([0, false]);
});

test("goldens that can't decide give no verdict", async () => {
  const random = { ...told, goldens: { ...goldens, real: false, verdict: false } };
  expect((await selfTest(random, arrays, summing(9, 9))).ok).toBeNull();
});

test("random goldens are fed as they are", async () => {
  const random = { ...told, goldens: { ...goldens, real: false } };
  const result = await selfTest(random, arrays, summing(27, 63));
  expect([result.passed, result.largest]).toEqual([2, 0]);
});

test("of whole numbers the share that differs counts", async () => {
  const whole = (...values: number[]): Tensor => ({
    dtype: "int32",
    shape: [1, values.length],
    data: Int32Array.from(values),
  });
  const stored = new Map(arrays).set("output/y", { ...whole(1, 2, 3, 4), shape: [2, 2] });
  const flips = { ...told, goldens: { ...goldens, allowed: { ...goldens.allowed, flips: 0.5 } } };
  const said = [whole(1, 9), whole(9, 9)];
  const result = await selfTest(flips, stored, () =>
    Promise.resolve(new Map([["y", said.shift()!]])),
  );
  expect(result.items.map((item) => item.ok)).toEqual([true, false]);
});

test("a size that the model does not take is said", () => {
  const raw = new Map([["x", { shape: [3], data: Float32Array.of(1, 2, 3) }]]);
  expect(() => makeFeeds(told, raw)).toThrow("the model takes 2, this is 3 after preprocessing");
  const free = { inputs: [spec("x", null, null)], preprocess: {} };
  expect(makeFeeds(free, raw).get("x")!.shape).toEqual([1, 3]);
});

test("one item of several", () => {
  const bytes: Tensor = { dtype: "uint8", shape: [2, 2], data: Uint8Array.of(1, 2, 3, 4) };
  expect(itemOf(bytes, 1)).toEqual({ shape: [2], data: Float32Array.of(3, 4) });
});

test("a float32 is written in the digits that name it", () => {
  expect([0.1, 1 / 3, 12345678, -0].map((x) => shortest(Math.fround(x)))).toEqual([
    "0.1",
    "0.33333334",
    "12345678",
    "0",
  ]);
});

import { expect, test } from "vitest";

import {
  asData,
  cast,
  countItems,
  dequantize,
  feeds,
  fixedBatch,
  match,
  quantize,
  randomItems,
  roundHalfEven,
  type Tensor,
  type TensorSpec,
} from "../../page/tensors.ts";

function floats(shape: number[], values: number[]): Tensor {
  return { dtype: "float32", shape, data: Float32Array.from(values) };
}

function spec(name: string, shape: (number | null)[], dtype = "float32"): TensorSpec {
  return { name, shape, dtype } as TensorSpec;
}

test("halves are rounded to even", () => {
  const rounded = [-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 0.4, -0.6].map(roundHalfEven);
  expect(rounded.map((x) => x + 0)).toEqual([-2, -2, 0, 0, 2, 2, 0, -1]);
});

test("real values become whole ones, rounded and clipped", () => {
  const real = floats([5], [0.5, 1.5, 300, -300, -1.4]);
  expect([...cast(real, "int8").data]).toEqual([0, 2, 127, -128, -1]);
  expect([...cast(real, "uint8").data]).toEqual([0, 2, 255, 0, 0]);
  expect([...cast(real, "int64").data]).toEqual([0n, 2n, 300n, -300n, -1n]);
  expect([...cast(real, "bool").data]).toEqual([1, 1, 1, 1, 1]);
  expect(cast(real, "float32")).toBe(real);
});

test("a quantized tensor takes and gives real values, as in Python", () => {
  const io: TensorSpec = { ...spec("x", [1], "int8"), scale: Math.fround(0.1), zeroPoint: 3 };
  const real = floats([8], [0.05, 0.15, -0.05, 12.35, 100, -100, 0.25, 1e9]);
  // by edgewright_runtimes.affine
  expect([...quantize(real, io).data]).toEqual([3, 5, 3, 127, 127, -128, 5, 127]);
  const q: Tensor = { dtype: "int8", shape: [4], data: Int8Array.of(-128, 3, 4, 127) };
  expect(quantize(q, io)).toBe(q);
  const back = dequantize(q, io);
  expect(back.dtype).toBe("float32");
  expect([...back.data]).toEqual([-13.100000381469727, 0, 0.10000000149011612, 12.40000057220459]);
  expect(dequantize(q, spec("id", [4], "int8"))).toBe(q);
});

test("items go by the names of the model, else in its order", () => {
  const a = floats([1], [1]);
  const b = floats([1], [2]);
  const specs = [spec("x", [null]), spec("y", [null])];
  const named = new Map([
    ["y", a],
    ["x", b],
  ]);
  expect([...match(named, specs).values()]).toEqual([b, a]);
  const others = new Map([
    ["p", a],
    ["q", b],
  ]);
  expect([...match(others, specs)]).toEqual([
    ["x", a],
    ["y", b],
  ]);
  expect(() => match(new Map([["p", a]]), specs)).toThrow("the model takes x, y; the data has p");
});

test("the last feed is filled up with its last item", () => {
  const items = new Map([["x", floats([3, 2], [1, 2, 3, 4, 5, 6])]]);
  const made = [...feeds(items, [spec("x", [2, 2])], 2)];
  expect(made.map(([, count]) => count)).toEqual([2, 1]);
  expect([...((made[1] as [Map<string, Tensor>, number])[0].get("x") as Tensor).data]).toEqual([
    5, 6, 5, 6,
  ]);
});

test("a tensor without a batch dimension takes the items one by one", () => {
  const items = new Map([["x", floats([2, 3], [1, 2, 3, 4, 5, 6])]]);
  const shapes = [...feeds(items, [spec("x", [3])], 1)].map(([feed]) => feed.get("x")?.shape);
  expect(shapes).toEqual([[3], [3]]);
});

test("every input has the same number of items, one at least", () => {
  const two = floats([2, 1], [1, 2]);
  expect(countItems(new Map([["x", two]]))).toBe(2);
  const unequal = new Map([
    ["x", two],
    ["y", floats([1, 1], [1])],
  ]);
  expect(() => countItems(unequal)).toThrow("(x: 2, y: 1)");
  expect(() => countItems(new Map([["x", floats([0, 1], [])]]))).toThrow("one at least");
});

test("a batch is fixed where the first dimension is", () => {
  expect(fixedBatch([spec("x", [4, 2]), spec("y", [null])])).toBe(4);
  expect(fixedBatch([spec("x", [null, 2])])).toBe(null);
  expect(fixedBatch([spec("x", [])])).toBe(1);
});

test("random items are those of their seed", () => {
  const specs = [spec("x", [null, 500]), spec("ids", [1, 100], "int32")];
  const items = randomItems(specs, 2, 7);
  expect(randomItems(specs, 2, 7)).toEqual(items);
  expect(randomItems(specs, 2, 8)).not.toEqual(items);
  const values = [...(items.get("x") as Tensor).data] as number[];
  const mean = values.reduce((sum, x) => sum + x, 0) / values.length;
  const variance = values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / values.length;
  expect(Math.abs(mean)).toBeLessThan(0.15);
  expect(Math.abs(variance - 1)).toBeLessThan(0.2);
  expect(new Set((items.get("ids") as Tensor).data as Float32Array)).toEqual(new Set([0, 1]));
});

test("bytes that are not aligned are copied", () => {
  const bytes = new Uint8Array(9);
  new DataView(bytes.buffer).setFloat32(1, 2.5, true);
  expect([...asData("float32", bytes.subarray(1, 5))]).toEqual([2.5]);
});

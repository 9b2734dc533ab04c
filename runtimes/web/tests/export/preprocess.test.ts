/** The vectors that the Python preprocessing is tested with, and what they leave out. */

import { expect, test } from "vitest";

import stored from "../../../../tests/data/preprocess_vectors.json";
import { appliesTo, preprocess, type Preprocess } from "../../export/preprocess.ts";

interface Vector {
  name: string;
  preprocess: Preprocess;
  x_shape: number[];
  x: number[];
  y_shape: number[];
  y: number[];
}

const vectors = stored as unknown as Vector[];

test.each(vectors)("$name", (vector) => {
  const size = (shape: number[]) => shape.slice(1).reduce((a, b) => a * b, 1);
  const [into, out] = [size(vector.x_shape), size(vector.y_shape)];
  for (let item = 0; item < vector.x_shape[0]!; item++) {
    const data = Float32Array.from(vector.x.slice(item * into, (item + 1) * into));
    const made = preprocess(vector.preprocess, { shape: vector.x_shape.slice(1), data });
    expect(made.shape).toEqual(vector.y_shape.slice(1));
    const expected = vector.y.slice(item * out, (item + 1) * out);
    const limit = 1e-5 * Math.max(1, ...expected.map(Math.abs));
    expect(made.data.length).toBe(out);
    made.data.forEach((value, i) => expect(Math.abs(value - expected[i]!)).toBeLessThan(limit));
  }
});

test("there are vectors", () => expect(vectors.length).toBeGreaterThan(8));

test("the raw item stays as it was", () => {
  const data = Float32Array.of(1, 2, 3, 4);
  preprocess({ mean: 1, scale: 3 }, { shape: [2, 2, 1], data });
  preprocess({ mean: 1, layout: "nchw" }, { shape: [2, 2, 1], data });
  expect([...data]).toEqual([1, 2, 3, 4]);
});

test("an image without an axis of channels is grey", () => {
  const made = preprocess(
    { crop: [1, 2] },
    { shape: [3, 2], data: Float32Array.from([1, 2, 3, 4, 5, 6]) },
  );
  expect(made).toEqual({ shape: [1, 2, 1], data: Float32Array.of(3, 4) });
});

test("a crop that is larger than the image is refused", () => {
  const small = { shape: [1, 2, 1], data: Float32Array.of(1, 2) };
  expect(() => preprocess({ crop: [2, 2] }, small)).toThrow(
    "the image is 1 x 2 pixels; at least 2 x 2",
  );
});

test("a size alone is a bilinear resize", () => {
  const raw = { shape: [1, 2, 1], data: Float32Array.of(0, 4) };
  expect([...preprocess({ resize: [1, 1] }, raw).data]).toEqual([2]);
});

test("inputs that are not named are left alone", () => {
  expect(appliesTo({ inputs: ["image"] }, "tokens")).toBe(false);
  expect(appliesTo({ inputs: [] }, "tokens")).toBe(true);
  expect(appliesTo({}, "tokens")).toBe(true);
});

import { expect, test } from "vitest";

import { centred, rawItem, stretched, toRgba, wanted } from "../../export/pixels.ts";

const spec = (shape: (number | null)[]) => ({
  name: "image",
  dtype: "float32" as const,
  shape,
});
const grey = (...levels: number[]) => Uint8Array.from(levels.flatMap((v) => [v, v, v, 255]));

test("what the model wants is read from its input, or from the contract's resize", () => {
  expect(wanted(spec([null, 8, 6, 1]), {})).toEqual({
    height: 8,
    width: 6,
    channels: 1,
    fit: true,
  });
  expect(
    wanted(spec([1, 3, 32, 48]), { layout: "nchw", resize: { size: [40, 60] }, crop: [32, 48] }),
  ).toEqual({
    height: 40,
    width: 60,
    channels: 3,
    fit: false,
  });
  expect(wanted(spec([1, 28, 28]), {}).channels).toBe(1);
});

test("bytes stay bytes", () => {
  const data = Uint8Array.of(1, 2, 3, 255, 4, 5, 6, 255);
  const item = rawItem(
    { height: 1, width: 2, data },
    { height: 1, width: 2, channels: 3, fit: true },
    [0, 255],
  );
  expect(item).toEqual({ shape: [1, 2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6) });
});

test("dark ink can be the high value", () => {
  const want = { height: 1, width: 2, channels: 1, fit: true };
  const item = rawItem({ height: 1, width: 2, data: grey(0, 255) }, want, [16, 0]);
  expect([...item.data]).toEqual([16, 0]);
});

test("the page brings a picture to the size where the contract doesn't", () => {
  const pixels = { height: 1, width: 4, data: grey(0, 2, 4, 6) };
  const want = { height: 1, width: 2, channels: 1, fit: true };
  expect(rawItem(pixels, want, [0, 255]).shape).toEqual([1, 2, 1]);
  expect(rawItem(pixels, { ...want, fit: false }, [0, 255]).shape).toEqual([1, 4, 1]);
});

test("grey is Pillow's", () => {
  // PIL.Image.new("RGB", (1, 1), (10, 200, 90)).convert("L").getpixel((0, 0)) == 131
  const data = Uint8Array.of(10, 200, 90, 255);
  expect(
    rawItem(
      { height: 1, width: 1, data },
      { height: 1, width: 1, channels: 1, fit: true },
      [0, 255],
    ).data[0],
  ).toBe(131);
});

test("the centre of a picture, in another aspect", () => {
  expect(centred(100, 200, 1)).toEqual({ top: 0, left: 50, height: 100, width: 100 });
  expect(centred(200, 100, 0.5)).toEqual({ top: 75, left: 0, height: 50, width: 100 });
  expect(centred(1, 1000, 1)).toEqual({ top: 0, left: 499, height: 1, width: 1 });
});

test("a raw item is shown as it looked", () => {
  expect([...toRgba([1, 2], [16, 0], [16, 0]).data]).toEqual([0, 0, 0, 255, 255, 255, 255, 255]);
});

test("stretching spreads what lies between the darkest and the brightest", () => {
  const wide = Array.from({ length: 100 }, (_, i) => 100 + i);
  const { data } = stretched({ height: 1, width: 100, data: grey(...wide) });
  expect([data[0], data[4 * 2], data[4 * 99], data[3]]).toEqual([0, 0, 255, 255]);
  expect(data[4 * 50]).toBeGreaterThan(120);
  const flat = stretched({ height: 1, width: 2, data: grey(7, 7) });
  expect([...flat.data]).toEqual([7, 7, 7, 255, 7, 7, 7, 255]);
});

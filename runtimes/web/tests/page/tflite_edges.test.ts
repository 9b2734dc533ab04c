import { readFileSync } from "node:fs";

import { expect, test } from "vitest";

import { Failure } from "../../page/protocol.ts";
import { readEdges } from "../../page/runtimes/tflite_edges.ts";

const NET = new URL("../../../../tests/browser/net/", import.meta.url);

function file(scheme: string): Uint8Array {
  return new Uint8Array(readFileSync(new URL(`tflite-${scheme}.tflite`, NET)));
}

test("scale and zero point are those that the interpreter in Python tells", () => {
  expect(Object.fromEntries(readEdges(file("int8-io")))).toMatchObject({
    x: { scale: 0.036180686205625534, zeroPoint: -4 },
    dense: { scale: 0.00390625, zeroPoint: -128 },
  });
});

test("a model with floats at its edges has none", () => {
  expect([...readEdges(file("float32"))]).toEqual([]);
});

test("a file that is cut short is refused, wherever that is", () => {
  const whole = file("int8-io");
  for (const length of [0, 3, 20, 200]) {
    expect(() => readEdges(whole.subarray(0, length))).toThrow(Failure);
  }
  const wild = whole.slice();
  wild.fill(0xff, 0, 4);
  expect(() => readEdges(wild)).toThrow("cut short, or none");
});

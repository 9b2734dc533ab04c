import { readFileSync } from "node:fs";

import { unzipSync } from "fflate";
import { describe, expect, test } from "vitest";

import { readNpy, readNpz, writeNpy, writeNpz } from "../../page/npz.ts";
import { Failure } from "../../page/protocol.ts";
import type { Tensor } from "../../page/tensors.ts";

const FILE = new Uint8Array(readFileSync(new URL("numpy.npz", import.meta.url)));
const MEMBERS = unzipSync(FILE);

function member(name: string): Uint8Array {
  return (MEMBERS[`${name}.npy`] as Uint8Array).slice();
}

describe("what numpy wrote", () => {
  const arrays = readNpz(FILE);

  test("has its names, shapes and dtypes", () => {
    const shown = [...arrays].map(([name, { dtype, shape }]) => [name, dtype, shape]);
    expect(shown).toEqual([
      ["real", "float32", [2, 3]],
      ["turned", "float32", [2, 3]],
      ["ids", "int64", [2]],
      ["bytes", "uint8", [1, 2]],
      ["flags", "bool", [3]],
      ["one", "float64", []],
    ]);
  });

  test("has its values, in the order where the last index runs fastest", () => {
    const real = [0, 0.25, 0.5, 0.75, 1, 1.25];
    expect([...(arrays.get("real") as Tensor).data]).toEqual(real);
    expect([...(arrays.get("turned") as Tensor).data]).toEqual(real);
    expect([...(arrays.get("ids") as Tensor).data]).toEqual([1n, -(2n ** 40n)]);
    expect([...(arrays.get("bytes") as Tensor).data]).toEqual([255, 0]);
    expect([...(arrays.get("one") as Tensor).data]).toEqual([0.5]);
  });

  test.each(["real", "ids", "bytes", "flags", "one"])("is written byte for byte: %s", (name) => {
    expect(writeNpy(arrays.get(name) as Tensor)).toEqual(member(name));
  });

  test("is the same after a round trip", () => {
    expect(readNpz(writeNpz(arrays))).toEqual(arrays);
  });
});

describe("what is not an array is refused", () => {
  test.each([0, 5, 11, 40])("cut off at %i bytes", (length) => {
    expect(() => readNpy(member("real").subarray(0, length))).toThrow(Failure);
  });

  test("with a byte too few or too many", () => {
    const whole = member("real");
    expect(() => readNpy(whole.subarray(0, whole.length - 1))).toThrow(/its header says 24/);
    expect(() => readNpy(new Uint8Array([...whole, 0]))).toThrow(/its header says 24/);
  });

  test("with a dtype that no model takes", () => {
    const bytes = member("real");
    bytes.set([0x7c, 0x4f, 0x38], bytes.indexOf(0x3c)); // <f4 to |O8
    expect(() => readNpy(bytes)).toThrow(/not read here/);
  });

  test("as a zip", () => {
    expect(() => readNpz(new Uint8Array(30))).toThrow(Failure);
  });
});

test("an array in the middle of a buffer is read where it lies", () => {
  const bytes = member("ids");
  const inside = new Uint8Array(bytes.length + 3);
  inside.set(bytes, 3);
  expect([...readNpy(inside.subarray(3)).data]).toEqual([1n, -(2n ** 40n)]);
});

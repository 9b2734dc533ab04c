// Arrays as they go into a model and come out of it, and what is done to them on the way.
//
// Arrays travel as [items, ...] by tensor name; a session wants [batch, ...] in the dtypes of its
// file. Real values are quantized and rounded by the formulas of `edgewright_runtimes.affine` and
// `edgewright_runtimes.workload`: to the last bit the same.

import { Failure } from "./protocol.ts";

const CONSTRUCTORS = {
  float32: Float32Array,
  float64: Float64Array,
  int8: Int8Array,
  int16: Int16Array,
  int32: Int32Array,
  int64: BigInt64Array,
  uint8: Uint8Array,
  uint16: Uint16Array,
  uint32: Uint32Array,
  uint64: BigUint64Array,
  bool: Uint8Array,
};

export type DType = keyof typeof CONSTRUCTORS;
export type Data = InstanceType<(typeof CONSTRUCTORS)[DType]>;

export interface Tensor {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data: Data;
}

export interface TensorSpec {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly (number | null)[];
  /** Of a quantized tensor: real = scale * (q - zeroPoint). */
  readonly scale?: number;
  readonly zeroPoint?: number;
}

export type Arrays = ReadonlyMap<string, Tensor>;

const FREE_DIMENSION = 1; // what a free dimension becomes where no data says it

export function isDType(name: string): name is DType {
  return name in CONSTRUCTORS;
}

export function emptyData(dtype: DType, length: number): Data {
  return new CONSTRUCTORS[dtype](length);
}

/** A view of `bytes` as `dtype`; copied where they are not aligned for it. */
export function asData(dtype: DType, bytes: Uint8Array): Data {
  const make = CONSTRUCTORS[dtype];
  const aligned = bytes.byteOffset % make.BYTES_PER_ELEMENT === 0 ? bytes : bytes.slice();
  const length = aligned.byteLength / make.BYTES_PER_ELEMENT;
  return new make(aligned.buffer as ArrayBuffer, aligned.byteOffset, length);
}

export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

/** Values in another dtype: real ones rounded to whole (halves to even) and clipped. */
export function cast(tensor: Tensor, dtype: DType): Tensor {
  if (tensor.dtype === dtype) return tensor;
  const data = emptyData(dtype, tensor.data.length);
  const real = tensor.dtype === "float32" || tensor.dtype === "float64";
  const toReal = dtype === "float32" || dtype === "float64";
  for (let i = 0; i < data.length; i++) {
    const value = tensor.data[i] as number | bigint;
    if (dtype === "bool") data[i] = Number(value) === 0 ? 0 : 1;
    else if (toReal) data[i] = Number(value);
    else if (data instanceof BigInt64Array || data instanceof BigUint64Array)
      data[i] = BigInt(real ? roundHalfEven(Number(value)) : value);
    else data[i] = clip(real ? roundHalfEven(Number(value)) : Number(value), dtype);
  }
  return { dtype, shape: tensor.shape, data };
}

/** Real values in the dtype of `spec`: quantized where it is, in float32 and saturating. */
export function quantize(tensor: Tensor, spec: TensorSpec): Tensor {
  if (tensor.dtype === spec.dtype || !spec.scale) return cast(tensor, spec.dtype);
  const { scale, zeroPoint = 0 } = spec;
  const data = emptyData(spec.dtype, tensor.data.length);
  for (let i = 0; i < data.length; i++) {
    const q = roundHalfEven(Math.fround(Math.fround(Number(tensor.data[i])) / scale));
    data[i] = clip(Math.fround(q + zeroPoint), spec.dtype);
  }
  return { dtype: spec.dtype, shape: tensor.shape, data };
}

export function roundHalfEven(x: number): number {
  const rounded = Math.round(x);
  return Math.abs(x % 1) === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
}

function clip(x: number, dtype: DType): number {
  const bits = Number(/\d+$/.exec(dtype)?.[0] ?? 32);
  const [low, high] = dtype.startsWith("u")
    ? [0, 2 ** bits - 1]
    : [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1];
  return Math.min(high, Math.max(low, x));
}

/** An output as float32, unscaled where it is quantized; plain integers (ids) stay exact. */
export function dequantize(tensor: Tensor, spec: TensorSpec): Tensor {
  if (!spec.scale) return tensor.dtype === "float64" ? cast(tensor, "float32") : tensor;
  const { scale, zeroPoint = 0 } = spec;
  const data = Float32Array.from(
    tensor.data as ArrayLike<number>,
    (q) => Math.fround(q - zeroPoint) * scale,
  );
  return { dtype: "float32", shape: tensor.shape, data };
}

/** `arrays` under the names of `specs`: by name, else in order where the counts agree. */
export function match(arrays: Arrays, specs: readonly TensorSpec[]): Arrays {
  const found = new Map<string, Tensor>();
  const byName = specs.every((spec) => arrays.has(spec.name));
  if (!byName && arrays.size !== specs.length) {
    const wanted = specs.map((spec) => spec.name).join(", ");
    const given = [...arrays.keys()].join(", ") || "nothing";
    throw new Failure(`the model takes ${wanted}; the data has ${given}`);
  }
  const values = [...arrays.values()];
  specs.forEach((spec, i) => {
    found.set(spec.name, (byName ? arrays.get(spec.name) : values[i]) as Tensor);
  });
  return found;
}

/** How many items every array has; a Failure where they differ or there are none. */
export function countItems(arrays: Arrays): number {
  const counts = new Set([...arrays.values()].map((tensor) => tensor.shape[0] ?? 0));
  const [count] = counts;
  if (counts.size !== 1 || !count) {
    const shown = [...arrays].map(([name, tensor]) => `${name}: ${tensor.shape[0] ?? 0}`);
    throw new Failure(
      `every input needs the same number of items, one at least (${shown.join(", ")})`,
    );
  }
  return count;
}

/** The batch the inputs are fixed to; null where the first dimension is free. */
export function fixedBatch(specs: readonly TensorSpec[]): number | null {
  const sizes = specs.filter((spec) => spec.shape.length > 0).map((spec) => spec.shape[0]);
  if (sizes.length === 0) return 1;
  return sizes.find((size): size is number => typeof size === "number") ?? null;
}

/** Feeds of `batch` items in the file's dtypes, each with how many of them are real. */
export function* feeds(
  arrays: Arrays,
  specs: readonly TensorSpec[],
  batch: number,
): Generator<[Arrays, number]> {
  const items = countItems(arrays);
  for (let start = 0; start < items; start += batch) {
    const feed = new Map<string, Tensor>();
    for (const spec of specs) {
      feed.set(
        spec.name,
        quantize(choose(arrays.get(spec.name) as Tensor, spec, start, batch), spec),
      );
    }
    yield [feed, Math.min(batch, items - start)];
  }
}

/** Items `start` to `start + batch`, the last one repeated where they end before. */
function choose(all: Tensor, spec: TensorSpec, start: number, batch: number): Tensor {
  const items = all.shape[0] ?? 0;
  const itemSize = sizeOf(all.shape.slice(1));
  const data = emptyData(all.dtype, batch * itemSize);
  for (let i = 0; i < batch; i++) {
    const at = Math.min(start + i, items - 1) * itemSize;
    data.set(all.data.subarray(at, at + itemSize) as never, i * itemSize);
  }
  const unbatched = all.shape.length === spec.shape.length + 1 && batch === 1;
  return { dtype: all.dtype, shape: [...(unbatched ? [] : [batch]), ...all.shape.slice(1)], data };
}

/** Seeded items where there is no data: normal for real values, 0 and 1 for all others. */
export function randomItems(specs: readonly TensorSpec[], count: number, seed: number): Arrays {
  const random = generator(seed);
  return new Map(
    specs.map((spec) => {
      const shape = [count, ...spec.shape.slice(1).map((size) => size ?? FREE_DIMENSION)];
      const data = emptyData("float32", sizeOf(shape));
      const real = spec.dtype === "float32" || spec.dtype === "float64" || spec.scale;
      for (let i = 0; i < data.length; i++)
        data[i] = real ? normal(random) : random() < 0.5 ? 0 : 1;
      return [spec.name, { dtype: "float32" as const, shape, data }];
    }),
  );
}

/** Numbers in [0, 1): mulberry32, public domain (github.com/bryc/code, PRNGs). */
function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Standard normal, after Box and Muller (1958). */
function normal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

// Raw items become what the model takes, and its outputs numbers to show.

import type { Arrays, Tensor } from "../page/tensors.ts";
import type { Output } from "./answer.ts";
import { appliesTo, preprocess, type Item } from "./preprocess.ts";
import type { AppSettings, TensorSpec } from "./settings.ts";

/** One item by input name, as the contract's preprocessing takes it. */
export type RawItems = ReadonlyMap<string, Item>;

type Declared = Pick<AppSettings, "inputs" | "preprocess">;

/** The item as a batch of one, preprocessed where the contract says so. */
export function makeFeeds({ inputs, preprocess: declared }: Declared, raw: RawItems): Arrays {
  return new Map(
    inputs.map((spec) => {
      const given = raw.get(spec.name)!;
      const item = appliesTo(declared, spec.name) ? preprocess(declared, given) : given;
      return [spec.name, { dtype: "float32", shape: batchOfOne(spec, item), data: item.data }];
    }),
  );
}

function batchOfOne(spec: TensorSpec, item: Item): number[] {
  const size = (shape: readonly (number | null)[]) => shape.reduce<number>((a, b) => a * b!, 1);
  const own = spec.shape.slice(1);
  if (own.includes(null)) return [1, ...item.shape];
  if (size(own) !== item.data.length) {
    const given = item.shape.join(" x ");
    throw new Error(`the model takes ${own.join(" x ")}, this is ${given} after preprocessing`);
  }
  return [1, ...(own as number[])];
}

/** Item `index` of arrays that hold several. */
export function itemOf(tensor: Tensor, index: number): Item {
  const shape = tensor.shape.slice(1);
  const size = shape.reduce((a, b) => a * b, 1);
  const data = tensor.data.subarray(index * size, (index + 1) * size);
  return { shape, data: Float32Array.from(data as ArrayLike<number | bigint>, Number) };
}

export function toOutputs(found: Arrays): Output[] {
  return [...found].map(([name, tensor]) => {
    const { shape, data } = itemOf(tensor, 0);
    return { name, shape, values: [...data] };
  });
}

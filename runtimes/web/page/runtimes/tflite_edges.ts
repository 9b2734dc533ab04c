// What a TFLite file says of the quantization at its edges, which LiteRT.js does not tell.
//
// A FlatBuffer, read as far as that: field numbers are those of TensorFlow Lite's schema.fbs. A
// file that is cut short ends in a RangeError, as every read beyond its bytes does.

import { Failure } from "../protocol.ts";

/** real = scale * (q - zeroPoint), of the whole tensor. */
export interface Affine {
  readonly scale: number;
  readonly zeroPoint: number;
}

const MODEL = { subgraphs: 2, signatures: 7 };
const SUBGRAPH = { tensors: 0, inputs: 1, outputs: 2 };
const TENSOR = { name: 3, quantization: 4 };
const QUANTIZATION = { scale: 2, zeroPoint: 3 };
const SIGNATURE = { inputs: 0, outputs: 1, subgraph: 4 };
const TENSOR_MAP = { name: 0, tensor: 1 };

/** By name, the first signature's or else the tensor's own; those that are not quantized are left out. */
export function readEdges(bytes: Uint8Array): ReadonlyMap<string, Affine> {
  try {
    return edges(new Reader(bytes));
  } catch (e) {
    if (e instanceof RangeError) throw new Failure("the TFLite file is cut short, or none");
    throw e;
  }
}

function edges(file: Reader): ReadonlyMap<string, Affine> {
  const model = file.follow(0);
  const signature = file.tables(model, MODEL.signatures)[0];
  const which = signature === undefined ? 0 : file.uint32(signature, SIGNATURE.subgraph);
  const subgraph = file.tables(model, MODEL.subgraphs)[which];
  if (subgraph === undefined) throw new RangeError(`no subgraph ${which}`);
  const tensors = file.tables(subgraph, SUBGRAPH.tensors);
  const named = new Map<string, number>();
  for (const field of [SUBGRAPH.inputs, SUBGRAPH.outputs]) {
    for (const index of file.int32s(subgraph, field)) {
      const tensor = tensors[index];
      if (tensor !== undefined) named.set(file.text(tensor, TENSOR.name), tensor);
    }
  }
  for (const field of signature === undefined ? [] : [SIGNATURE.inputs, SIGNATURE.outputs]) {
    for (const entry of file.tables(signature as number, field)) {
      const tensor = tensors[file.uint32(entry, TENSOR_MAP.tensor)];
      if (tensor !== undefined) named.set(file.text(entry, TENSOR_MAP.name), tensor);
    }
  }
  const found = [...named].map(([name, tensor]) => [name, affine(file, tensor)] as const);
  return new Map(found.filter((entry): entry is [string, Affine] => entry[1] !== undefined));
}

function affine(file: Reader, tensor: number): Affine | undefined {
  const quantization = file.table(tensor, TENSOR.quantization);
  if (quantization === undefined) return undefined;
  const [scale, ...more] = file.float32s(quantization, QUANTIZATION.scale);
  if (!scale || more.length > 0) return undefined; // none, or one a channel: no tensor at an edge
  return { scale, zeroPoint: file.int64s(quantization, QUANTIZATION.zeroPoint)[0] ?? 0 };
}

/** Tables are the offsets they begin at. */
class Reader {
  readonly #view: DataView;

  constructor(bytes: Uint8Array) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Where the offset that stands at `at` leads. */
  follow(at: number): number {
    return at + this.#view.getUint32(at, true);
  }

  /** Where a field of a table stands; undefined where the table does not have it. */
  #field(table: number, field: number): number | undefined {
    const vtable = table - this.#view.getInt32(table, true);
    const slot = 4 + 2 * field;
    if (slot >= this.#view.getUint16(vtable, true)) return undefined;
    const offset = this.#view.getUint16(vtable + slot, true);
    return offset === 0 ? undefined : table + offset;
  }

  table(table: number, field: number): number | undefined {
    const at = this.#field(table, field);
    return at === undefined ? undefined : this.follow(at);
  }

  uint32(table: number, field: number): number {
    const at = this.#field(table, field);
    return at === undefined ? 0 : this.#view.getUint32(at, true);
  }

  text(table: number, field: number): string {
    const letters = this.#vector(table, field, 1, (at) => this.#view.getUint8(at));
    return new TextDecoder().decode(Uint8Array.from(letters));
  }

  tables(table: number, field: number): number[] {
    return this.#vector(table, field, 4, (at) => this.follow(at));
  }

  int32s(table: number, field: number): number[] {
    return this.#vector(table, field, 4, (at) => this.#view.getInt32(at, true));
  }

  float32s(table: number, field: number): number[] {
    return this.#vector(table, field, 4, (at) => this.#view.getFloat32(at, true));
  }

  int64s(table: number, field: number): number[] {
    return this.#vector(table, field, 8, (at) => Number(this.#view.getBigInt64(at, true)));
  }

  #vector<T>(table: number, field: number, size: number, read: (at: number) => T): T[] {
    const start = this.table(table, field);
    if (start === undefined) return [];
    const count = this.#view.getUint32(start, true);
    if (start + 4 + count * size > this.#view.byteLength) throw new RangeError("a vector");
    return Array.from({ length: count }, (_, i) => read(start + 4 + i * size));
  }
}

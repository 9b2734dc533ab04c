// .npy and .npz as numpy writes them (numpy.lib.format): read without trust, written plain.

import { strToU8, unzipSync, zipSync } from "fflate";

import { Failure } from "./protocol.ts";
import {
  asData,
  emptyData,
  sizeOf,
  type Arrays,
  type Data,
  type DType,
  type Tensor,
} from "./tensors.ts";

const MAGIC = "\x93NUMPY";
const DTYPES: Record<string, DType> = {
  "<f4": "float32",
  "<f8": "float64",
  "|i1": "int8",
  "<i2": "int16",
  "<i4": "int32",
  "<i8": "int64",
  "|u1": "uint8",
  "<u2": "uint16",
  "<u4": "uint32",
  "<u8": "uint64",
  "|b1": "bool",
};

/** The members of an .npz by name. */
export function readNpz(bytes: Uint8Array): Arrays {
  let members: Record<string, Uint8Array>;
  try {
    members = unzipSync(bytes);
  } catch (e) {
    throw new Failure(`not an .npz of arrays (${String(e)})`);
  }
  return new Map(
    Object.entries(members).map(([name, member]) => [name.replace(/\.npy$/, ""), readNpy(member)]),
  );
}

export function readNpy(bytes: Uint8Array): Tensor {
  const version = bytes[6] ?? 0;
  if (bytes.length < 12 || latin(bytes.subarray(0, 6)) !== MAGIC || version < 1 || version > 3) {
    throw new Failure("not an .npy array");
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const [at, length] =
    version === 1 ? [10, view.getUint16(8, true)] : [12, view.getUint32(8, true)];
  const { dtype, fortran, shape } = readHeader(latin(bytes.subarray(at, at + length)));
  const size = sizeOf(shape) * emptyData(dtype, 0).BYTES_PER_ELEMENT;
  const rest = bytes.subarray(at + length);
  if (rest.length !== size) {
    throw new Failure(`an array of ${rest.length} bytes; its header says ${size}`);
  }
  const data = asData(dtype, rest);
  return {
    dtype,
    shape,
    data: fortran && shape.length > 1 ? fromFortran(data, dtype, shape) : data,
  };
}

function readHeader(header: string): { dtype: DType; fortran: boolean; shape: number[] } {
  const descr = /'descr':\s*'([^']*)'/.exec(header)?.[1];
  const order = /'fortran_order':\s*(True|False)/.exec(header)?.[1];
  const dimensions = /'shape':\s*\(([\d\s,]*)\)/.exec(header)?.[1];
  const dtype = descr === undefined ? undefined : DTYPES[descr];
  if (dtype === undefined || order === undefined || dimensions === undefined) {
    throw new Failure(`an array that is not read here: ${header.trim().slice(0, 80)}`);
  }
  const shape = dimensions
    .split(",")
    .filter((word) => word.trim())
    .map(Number);
  return { dtype, fortran: order === "True", shape };
}

/** Values whose first index runs fastest, in the order where the last one does. */
function fromFortran(values: Data, dtype: DType, shape: readonly number[]): Data {
  const data = emptyData(dtype, values.length);
  const index = shape.map(() => 0);
  for (let to = 0; to < data.length; to++) {
    let from = 0;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from = from * (shape[axis] as number) + (index[axis] as number);
    }
    data[to] = values[from] as never;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      index[axis] = (index[axis] as number) + 1;
      if ((index[axis] as number) < (shape[axis] as number)) break;
      index[axis] = 0;
    }
  }
  return data;
}

export function writeNpz(arrays: Arrays): Uint8Array {
  const members = [...arrays].map(([name, tensor]) => [`${name}.npy`, writeNpy(tensor)]);
  return zipSync(Object.fromEntries(members) as Record<string, Uint8Array>, { level: 0 });
}

export function writeNpy({ dtype, shape, data }: Tensor): Uint8Array {
  const descr = Object.keys(DTYPES).find((key) => DTYPES[key] === dtype) as string;
  const dimensions = shape.length === 1 ? `${shape[0]},` : shape.join(", ");
  const text = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${dimensions}), }`;
  const padded = text + " ".repeat(64 - ((10 + text.length + 1) % 64)) + "\n";
  const bytes = new Uint8Array(10 + padded.length + data.byteLength);
  bytes.set([0x93, ...strToU8("NUMPY"), 1, 0, padded.length & 0xff, padded.length >> 8]);
  bytes.set(strToU8(padded), 10);
  bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), 10 + padded.length);
  return bytes;
}

function latin(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}

// The preprocessing that a contract declares, for one item. The order is fixed:
//
//     resize -> crop -> color_order -> x * scale -> (x - mean) / std -> layout
//
// `edgewright_runtimes/preprocess.py` is the same in Python; both are tested on
// `tests/data/preprocess_vectors.json`. What is wrong in a declaration was refused before it was
// written into an artifact, so fields are not checked again here.

import { resize, type Image, type Resize } from "./resize.ts";

export interface Preprocess {
  resize?: Resize | [number, number];
  /** [height, width], from the centre. */
  crop?: [number, number];
  color_order?: "rgb" | "bgr";
  scale?: number;
  /** One number, or one for each entry of the last axis. */
  mean?: number | number[];
  std?: number | number[];
  layout?: "nhwc" | "nchw";
  /** The inputs that it applies to; none: all of them. */
  inputs?: string[];
}

/** One item without its batch axis. */
export interface Item {
  shape: number[];
  data: Float32Array;
}

export function appliesTo(declared: Preprocess, input: string): boolean {
  return !declared.inputs?.length || declared.inputs.includes(input);
}

/** A raw item (an image as [height, width, channels] or [height, width], RGB) made ready. */
export function preprocess(declared: Preprocess, raw: Item): Item {
  const item = wantsImage(declared) ? shaped(declared, raw) : { ...raw, data: raw.data.slice() };
  const channels = item.shape.at(-1) ?? 1;
  arithmetic(item.data, channels, declared);
  return declared.layout === "nchw" ? channelsFirst(item) : item;
}

function wantsImage(declared: Preprocess): boolean {
  const { crop, layout, color_order } = declared;
  return Boolean(declared.resize || crop || layout === "nchw" || color_order === "bgr");
}

function shaped(declared: Preprocess, raw: Item): Item {
  const [height, width, channels = 1] = raw.shape as [number, number, number?];
  let image: Image = { height, width, channels, data: raw.data };
  if (declared.resize) {
    const to = Array.isArray(declared.resize) ? { size: declared.resize } : declared.resize;
    image = resize(image, to);
  }
  if (declared.crop) image = crop(image, declared.crop);
  const data = declared.color_order === "bgr" ? reversed(image) : image.data.slice();
  return { shape: [image.height, image.width, image.channels], data };
}

function crop(image: Image, [height, width]: [number, number]): Image {
  if (height > image.height || width > image.width) {
    const have = `${image.height} x ${image.width}`;
    throw new Error(`the image is ${have} pixels; at least ${height} x ${width} is needed`);
  }
  const top = Math.floor((image.height - height) / 2);
  const left = Math.floor((image.width - width) / 2);
  const { channels } = image;
  const data = new Float32Array(height * width * channels);
  for (let y = 0; y < height; y++) {
    const from = ((top + y) * image.width + left) * channels;
    data.set(image.data.subarray(from, from + width * channels), y * width * channels);
  }
  return { height, width, channels, data };
}

function reversed({ data, channels }: Image): Float32Array {
  return data.map((_, i) => data[i - (i % channels) + (channels - 1 - (i % channels))]!);
}

function arithmetic(data: Float32Array, channels: number, declared: Preprocess): void {
  const scale = Math.fround(declared.scale ?? 1);
  const mean = perChannel(declared.mean ?? 0, channels);
  const std = perChannel(declared.std ?? 1, channels);
  for (let i = 0; i < data.length; i++) {
    const c = i % channels;
    const centred = Math.fround(Math.fround(data[i]! * scale) - mean[c]!);
    data[i] = centred / std[c]!;
  }
}

function perChannel(value: number | number[], channels: number): Float32Array {
  if (!Array.isArray(value)) return new Float32Array(channels).fill(value);
  return Float32Array.from(value);
}

function channelsFirst({ shape, data }: Item): Item {
  const [height, width, channels] = shape as [number, number, number];
  const pixels = height * width;
  const out = new Float32Array(data.length);
  for (let c = 0; c < channels; c++) {
    for (let p = 0; p < pixels; p++) out[c * pixels + p] = data[p * channels + c]!;
  }
  return { shape: [channels, height, width], data: out };
}

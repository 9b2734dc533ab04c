// From the pixels of a picture to the raw item that the contract's preprocessing starts with.
//
// Grey is the luma of ITU-R BT.601 in integers, as Pillow converts to `L`.

import type { Preprocess } from "./preprocess.ts";
import { resize } from "./resize.ts";
import type { TensorSpec } from "./settings.ts";

/** The channels that the model's input has, and its size where the contract resizes nothing. */
export interface Wanted {
  height: number;
  width: number;
  channels: number;
  /** True where the page has to bring the picture to the size: the contract doesn't. */
  fit: boolean;
}

/** Pixels of a canvas: red, green, blue, alpha, a byte each. */
export interface Rgba {
  height: number;
  width: number;
  data: Uint8ClampedArray | Uint8Array;
}

export function wanted(input: TensorSpec, declared: Preprocess): Wanted {
  const [, ...item] = input.shape;
  const nchw = declared.layout === "nchw";
  const channels = item.length < 3 ? 1 : (nchw ? item[0] : item[2]) || 3;
  const [height, width] = (nchw ? item.slice(1) : item) as number[];
  const resized = Array.isArray(declared.resize) ? declared.resize : declared.resize?.size;
  const size = resized ?? declared.crop ?? [height!, width!];
  return { height: size[0], width: size[1], channels, fit: !resized };
}

/** Height over width of what the model looks at: a camera's picture is cut to it. */
export function aspect({ height, width }: Wanted): number {
  return height / width;
}

/** The largest part of `height` x `width` around the centre that has the wanted aspect. */
export function centred(height: number, width: number, ratio: number) {
  const high = Math.min(height, Math.max(1, Math.round(width * ratio)));
  const wide = Math.min(width, Math.max(1, Math.round(height / ratio)));
  return {
    top: Math.floor((height - high) / 2),
    left: Math.floor((width - wide) / 2),
    height: high,
    width: wide,
  };
}

/** The raw item: `black` and `white` are the raw values of these colours. */
export function rawItem(pixels: Rgba, want: Wanted, [black, white]: [number, number]) {
  const { height, width, data } = pixels;
  const { channels } = want;
  const raw = new Float32Array(height * width * channels);
  const step = (white - black) / 255;
  const exact = black === 0 && white === 255;
  const value = (byte: number) => (exact ? byte : black + byte * step);
  for (let p = 0; p < height * width; p++) {
    const [r, g, b] = [data[4 * p]!, data[4 * p + 1]!, data[4 * p + 2]!];
    if (channels === 1) raw[p] = value(luma(r, g, b));
    else {
      for (let c = 0; c < channels; c++) raw[p * channels + c] = value([r, g, b, 255][c]!);
    }
  }
  const image = { height, width, channels, data: raw };
  const small = want.fit && (height !== want.height || width !== want.width);
  const fitted = small
    ? resize(image, { size: [want.height, want.width], antialias: true })
    : image;
  return { shape: [fitted.height, fitted.width, channels], data: fitted.data };
}

/** Grey from 0 to 255, so that all but the darkest and brightest 2 % of it spans the range. */
export function stretched({ height, width, data }: Rgba): Rgba {
  const counts = new Uint32Array(256);
  const grey = new Uint8Array(height * width);
  for (let p = 0; p < grey.length; p++) {
    grey[p] = luma(data[4 * p]!, data[4 * p + 1]!, data[4 * p + 2]!);
    counts[grey[p]!]!++;
  }
  const low = level(counts, 0.02 * grey.length);
  const high = level(counts, 0.98 * grey.length);
  const out = new Uint8ClampedArray(data.length);
  for (let p = 0; p < grey.length; p++) {
    const value = high > low ? ((grey[p]! - low) / (high - low)) * 255 : grey[p]!;
    out.fill(value, 4 * p, 4 * p + 3);
    out[4 * p + 3] = 255;
  }
  return { height, width, data: out };
}

/** The level that `share` pixels lie at or below. */
function level(counts: Uint32Array, share: number): number {
  let seen = 0;
  return counts.findIndex((count) => (seen += count) > share);
}

function luma(r: number, g: number, b: number): number {
  return (r * 19595 + g * 38470 + b * 7471 + 0x8000) >> 16;
}

/** A raw item back as a picture, for showing it. */
export function toRgba(shape: number[], raw: ArrayLike<number>, [black, white]: [number, number]) {
  const [height, width, channels = 1] = shape as [number, number, number?];
  const data = new Uint8ClampedArray(height * width * 4);
  for (let p = 0; p < height * width; p++) {
    for (let c = 0; c < 3; c++) {
      const from = p * channels + (channels < 3 ? 0 : c);
      data[4 * p + c] = ((raw[from]! - black) / (white - black)) * 255;
    }
    data[4 * p + 3] = 255;
  }
  return { height, width, data };
}

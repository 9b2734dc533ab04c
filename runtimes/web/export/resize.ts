// Resizing images as `tf.image.resize` does it: half-pixel centres, single precision.
//
// The formulas are those of `edgewright_runtimes/resize.py`, which follow TensorFlow's kernels.
// Places and weights are rounded to float32 step by step, so that every implementation picks the
// same pixels.

export interface Resize {
  /** [height, width] in pixels. */
  size: [number, number];
  method?: "bilinear" | "nearest";
  antialias?: boolean;
}

/** One image, row by row: `data[(y * width + x) * channels + c]`. */
export interface Image {
  height: number;
  width: number;
  channels: number;
  data: Float32Array;
}

/** For each new pixel, which old ones it is made of and how much of each. */
interface Taps {
  first: Int32Array;
  count: Int32Array;
  weights: Float32Array[];
}

const f32 = Math.fround;

export function resize(image: Image, to: Resize): Image {
  const [height, width] = to.size;
  if (to.method === "nearest") return nearest(image, height, width);
  const along = to.antialias ? triangle : bilinear;
  const wide = image.width === width ? image : columns(image, along(image.width, width), width);
  return wide.height === height ? wide : rows(wide, along(wide.height, height), height);
}

function nearest(image: Image, height: number, width: number): Image {
  const { channels, data } = image;
  const down = nearestPlaces(image.height, height);
  const across = nearestPlaces(image.width, width);
  const out = new Float32Array(height * width * channels);
  let at = 0;
  for (const y of down) {
    for (const x of across) {
      const from = (y * image.width + x) * channels;
      for (let c = 0; c < channels; c++) out[at++] = data[from + c]!;
    }
  }
  return { height, width, channels, data: out };
}

function nearestPlaces(old: number, size: number): Int32Array {
  const step = f32(old / size);
  return Int32Array.from({ length: size }, (_, i) =>
    Math.min(Math.floor(f32(f32(i + 0.5) * step)), old - 1),
  );
}

function bilinear(old: number, size: number): Taps {
  const step = f32(old / size);
  const taps = emptyTaps(size);
  for (let i = 0; i < size; i++) {
    const place = f32(f32(f32(i + 0.5) * step) - 0.5);
    const floor = Math.floor(place);
    const lower = Math.max(floor, 0);
    const upper = Math.min(Math.ceil(place), old - 1);
    const share = f32(place - floor);
    taps.first[i] = lower;
    taps.count[i] = upper - lower + 1;
    taps.weights[i] = upper === lower ? Float32Array.of(1) : Float32Array.of(f32(1 - share), share);
  }
  return taps;
}

/** A triangle kernel, as wide as one new pixel where the image shrinks. */
function triangle(old: number, size: number): Taps {
  const step = f32(1 / f32(size / old));
  const width = Math.max(step, 1);
  const taps = emptyTaps(size);
  for (let i = 0; i < size; i++) {
    const centre = f32(f32(i + 0.5) * step);
    const first = Math.max(0, Math.floor(centre - width - 1));
    const last = Math.min(old - 1, Math.ceil(centre + width + 1));
    const weights = new Float32Array(last - first + 1);
    let sum = 0;
    for (let pixel = first; pixel <= last; pixel++) {
      const away = f32(Math.abs(f32(f32(pixel + 0.5) - centre)) / width);
      weights[pixel - first] = Math.max(f32(1 - away), 0);
      sum += weights[pixel - first]!;
    }
    taps.first[i] = first;
    taps.count[i] = weights.length;
    taps.weights[i] = weights.map((weight) => weight / sum);
  }
  return taps;
}

function emptyTaps(size: number): Taps {
  return { first: new Int32Array(size), count: new Int32Array(size), weights: [] };
}

function columns(image: Image, taps: Taps, width: number): Image {
  const { height, channels, data } = image;
  const out = new Float32Array(height * width * channels);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const from = (y * image.width + taps.first[x]!) * channels;
      const to = (y * width + x) * channels;
      blend(data, from, channels, taps.weights[x]!, out, to, channels);
    }
  }
  return { height, width, channels, data: out };
}

function rows(image: Image, taps: Taps, height: number): Image {
  const { width, channels, data } = image;
  const stride = width * channels;
  const out = new Float32Array(height * stride);
  for (let y = 0; y < height; y++) {
    blend(data, taps.first[y]! * stride, stride, taps.weights[y]!, out, y * stride, stride);
  }
  return { height, width, channels, data: out };
}

/** `out[to + i]` becomes the weighted sum of `data[from + i + k * step]`, for `length` places. */
function blend(
  data: Float32Array,
  from: number,
  step: number,
  weights: Float32Array,
  out: Float32Array,
  to: number,
  length: number,
): void {
  for (let i = 0; i < length; i++) {
    let sum = 0;
    for (let k = 0; k < weights.length; k++) sum += weights[k]! * data[from + i + k * step]!;
    out[to + i] = sum;
  }
}

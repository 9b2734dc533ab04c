// Pictures: out of a file or a video onto a canvas, and from the canvas the pixels.

import { centred, type Rgba } from "./pixels.ts";

// What is larger is made smaller by the browser first: as float32 a photo of 12 million pixels
// takes 144 MB, and telephones end pages for less.
const MAX_SIDE = 2048;

/** The whole picture of a file, turned as its EXIF data says. Rejects what is no picture. */
export async function readPicture(file: Blob): Promise<Rgba> {
  let bitmap: ImageBitmap;
  try {
    bitmap = await createImageBitmap(file);
  } catch {
    throw new Error("this browser can't read that file as a picture");
  }
  const shrink = Math.min(1, MAX_SIDE / Math.max(bitmap.width, bitmap.height));
  const width = Math.max(1, Math.round(bitmap.width * shrink));
  const height = Math.max(1, Math.round(bitmap.height * shrink));
  const pixels = draw(bitmap, 0, 0, bitmap.width, bitmap.height, width, height);
  bitmap.close();
  return pixels;
}

/** What a video shows now, its centre cut to the wanted height over width. */
export function grab(video: HTMLVideoElement, ratio: number): Rgba {
  const { top, left, height, width } = centred(video.videoHeight, video.videoWidth, ratio);
  return draw(video, left, top, width, height, width, height);
}

/** The centre of a picture in the wanted height over width. */
export function cut(picture: Rgba, ratio: number): Rgba {
  const { top, left, height, width } = centred(picture.height, picture.width, ratio);
  const data = new Uint8ClampedArray(height * width * 4);
  for (let y = 0; y < height; y++) {
    const from = ((top + y) * picture.width + left) * 4;
    data.set(picture.data.subarray(from, from + width * 4), y * width * 4);
  }
  return { height, width, data };
}

/** Pixels onto a canvas of the page, in their own size. */
export function paint(canvas: HTMLCanvasElement, { height, width, data }: Rgba): void {
  Object.assign(canvas, { height, width });
  const pixels = new ImageData(Uint8ClampedArray.from(data), width, height);
  canvas.getContext("2d")?.putImageData(pixels, 0, 0);
}

function draw(
  source: CanvasImageSource,
  ...[left, top, wide, high, width, height]: [number, number, number, number, number, number]
): Rgba {
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (!context) throw new Error("this browser gives no canvas");
  context.fillStyle = "#fff"; // what is transparent is taken as white paper
  context.fillRect(0, 0, width, height);
  context.imageSmoothingQuality = "high";
  context.drawImage(source, left, top, wide, high, 0, 0, width, height);
  return { height, width, data: context.getImageData(0, 0, width, height).data };
}

// A picture as the input: from a file, dropped, or from the camera.

import { setUpCamera } from "./camera.ts";
import { byId, words } from "./elements.ts";
import type { RawItems } from "./feeds.ts";
import { cut, paint, readPicture } from "./picture.ts";
import { aspect, rawItem, stretched, toRgba, wanted, type Rgba } from "./pixels.ts";
import { preprocess, type Item } from "./preprocess.ts";
import type { AppSettings } from "./settings.ts";

export interface ImageInput {
  /** Show a raw item (of the goldens) as if it had been given. */
  show: (item: Item) => void;
}

export function setUpImage(settings: AppSettings, ask: (raw: RawItems) => void): ImageInput {
  const want = wanted(settings.inputs[0]!, settings.preprocess);
  const show = shower(settings);
  const take = taker(settings, show, ask);
  const camera = setUpCamera(aspect(want), (picture) => take(picture), say);
  listen(async (file) => {
    camera.stop();
    say("");
    try {
      const picture = await readPicture(file);
      take(want.fit ? cut(picture, aspect(want)) : picture);
    } catch (e) {
      say(words(e));
    }
  });
  if (!navigator.mediaDevices) {
    byId("camera").hidden = true; // without https there is none; a telephone's file box has one
  }
  byId("image").hidden = false;
  return {
    show: (item) => {
      camera.stop();
      say("");
      show(item, toRgba(item.shape, item.data, settings.pixels!), "The example that you chose");
    },
  };
}

/** From a picture to the question; the one before is asked again when the contrast is changed. */
function taker(
  settings: AppSettings,
  show: ReturnType<typeof shower>,
  ask: (raw: RawItems) => void,
): (picture: Rgba) => void {
  const [input] = settings.inputs;
  const want = wanted(input!, settings.preprocess);
  const stretch = setUpStretch(want.channels === 1, settings.pixels!);
  let last: Rgba | undefined;
  const take = (picture: Rgba) => {
    last = picture;
    const whole = stretch.checked ? stretched(picture) : picture;
    try {
      const raw = rawItem(whole, want, settings.pixels!);
      show(raw, whole, "The picture that you gave");
      ask(new Map([[input!.name, raw]]));
    } catch (e) {
      say(words(e));
    }
  };
  stretch.addEventListener("change", () => last && take(last));
  return take;
}

/** Shows a picture, and beside it what resizing and cropping leave of it. */
function shower({ preprocess: declared, pixels }: AppSettings) {
  const { resize, crop } = declared;
  const shaping = { ...(resize && { resize }), ...(crop && { crop }) };
  return (raw: Item, picture: Rgba, label: string) => {
    const { shape, data } = preprocess(shaping, raw);
    preview(picture, label);
    byId("seen-figure").hidden = shape[0] === picture.height && shape[1] === picture.width;
    paint(byId<HTMLCanvasElement>("seen"), toRgba(shape, data, pixels!));
    byId("seen-size").textContent = `What the model sees: ${shape[1]} x ${shape[0]} pixels`;
  };
}

function say(problem: string): void {
  byId("image-note").textContent = problem;
}

/** For grey models: a photo of ink on paper has neither white nor black in it. */
function setUpStretch(grey: boolean, [black, white]: [number, number]): HTMLInputElement {
  const box = byId<HTMLInputElement>("stretch");
  byId("stretch-choice").hidden = !grey;
  box.checked = grey && black > white; // ink is what the model looks for
  return box;
}

function preview(picture: Rgba, label: string): void {
  const canvas = byId<HTMLCanvasElement>("preview");
  paint(canvas, picture);
  canvas.classList.toggle("small", picture.width < 240);
  canvas.setAttribute("aria-label", label);
  canvas.hidden = false;
  byId("drop-hint").hidden = true;
}

function listen(read: (file: Blob) => Promise<void>): void {
  const box = byId<HTMLInputElement>("file");
  box.addEventListener("change", () => {
    const [file] = box.files ?? [];
    if (file) void read(file);
    box.value = ""; // the same file may be chosen again
  });
  const stage = byId("stage");
  stage.addEventListener("dragover", (event) => {
    event.preventDefault();
    stage.classList.add("over");
  });
  stage.addEventListener("dragleave", () => stage.classList.remove("over"));
  stage.addEventListener("drop", (event) => {
    event.preventDefault();
    stage.classList.remove("over");
    const [file] = event.dataTransfer?.files ?? [];
    if (file) void read(file);
  });
}

// A picture as the input: from a file, dropped, or from the camera.

import { setUpCamera } from "./camera.ts";
import { byId, words } from "./elements.ts";
import type { RawItems } from "./feeds.ts";
import { cut, paint, readPicture } from "./picture.ts";
import { aspect, rawItem, toRgba, wanted, type Rgba } from "./pixels.ts";
import { preprocess, type Item } from "./preprocess.ts";
import type { AppSettings } from "./settings.ts";

export interface ImageInput {
  /** Show a raw item (of the goldens) as if it had been given. */
  show: (item: Item) => void;
}

export function setUpImage(settings: AppSettings, ask: (raw: RawItems) => void): ImageInput {
  const [input] = settings.inputs;
  const { preprocess: declared } = settings;
  const want = wanted(input!, declared);
  const pixels = settings.pixels!;
  const say = (problem: string) => {
    byId("image-note").textContent = problem;
  };
  const take = (picture: Rgba, fromFile: boolean) => {
    const whole = fromFile && want.fit ? cut(picture, aspect(want)) : picture;
    preview(whole, fromFile ? "The picture that you chose" : "The picture from the camera");
    const raw = rawItem(whole, want, pixels);
    seen(preprocess(shaping(declared), raw), pixels);
    ask(new Map([[input!.name, raw]]));
  };
  const camera = setUpCamera(aspect(want), (picture) => take(picture, false), say);
  const read = async (file: Blob | undefined) => {
    if (!file) return;
    camera.stop();
    say("");
    try {
      take(await readPicture(file), true);
    } catch (e) {
      say(words(e));
    }
  };
  listen(read);
  if (!navigator.mediaDevices) {
    byId("camera").hidden = true; // without https there is none; a telephone's file box has one
  }
  byId("image").hidden = false;
  return {
    show: (item) => {
      camera.stop();
      say("");
      const { shape, data } = item;
      preview(toRgba(shape, data, pixels), "The example that you chose");
      seen(preprocess(shaping(declared), item), pixels);
    },
  };
}

/** The part of a preprocessing that moves pixels and leaves their values alone. */
function shaping({ resize, crop }: AppSettings["preprocess"]): AppSettings["preprocess"] {
  return { ...(resize && { resize }), ...(crop && { crop }) };
}

function preview(picture: Rgba, label: string): void {
  const canvas = byId<HTMLCanvasElement>("preview");
  paint(canvas, picture);
  canvas.classList.toggle("small", picture.width < 240);
  canvas.setAttribute("aria-label", label);
  canvas.hidden = false;
  byId("drop-hint").hidden = true;
}

function seen({ shape, data }: Item, pixels: [number, number]): void {
  paint(byId<HTMLCanvasElement>("seen"), toRgba(shape, data, pixels));
  byId("seen-size").textContent = `What the model sees: ${shape[1]} x ${shape[0]} pixels`;
  byId("seen-figure").hidden = false;
}

function listen(read: (file: Blob | undefined) => Promise<void>): void {
  const box = byId<HTMLInputElement>("file");
  box.addEventListener("change", () => {
    void read(box.files?.[0]);
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
    void read(event.dataTransfer?.files[0]);
  });
}

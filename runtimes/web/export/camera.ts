// The camera: started by a button, stopped after each picture or by another button.

import { byId, words } from "./elements.ts";
import { grab } from "./picture.ts";
import type { Rgba } from "./pixels.ts";

const REFUSED: Record<string, string> = {
  NotAllowedError: "The camera was not allowed. The settings of the browser have it.",
  NotFoundError: "There is no camera here.",
  NotReadableError: "The camera is in use elsewhere.",
};

/** `ratio`: height over width of the picture that is taken. */
export function setUpCamera(
  ratio: number,
  taken: (picture: Rgba) => void,
  say: (problem: string) => void,
): { stop: () => void } {
  const video = byId<HTMLVideoElement>("video");
  const [start, shoot, end] = ["camera", "shoot", "stop"].map((id) => byId<HTMLButtonElement>(id));
  let stream: MediaStream | undefined;
  let starting = false;
  video.style.aspectRatio = `${1 / ratio}`;

  const show = (on: boolean) => {
    video.hidden = shoot!.hidden = end!.hidden = !on;
    start!.hidden = on;
    byId("drop-hint").hidden = byId("preview").hidden = on;
  };
  const stop = () => {
    if (!stream) return;
    stream.getTracks().forEach((track) => track.stop());
    stream = undefined;
    video.srcObject = null;
    show(false);
    start!.focus();
  };

  start!.addEventListener("click", async () => {
    if (starting) return;
    starting = true;
    say("");
    try {
      stream = await navigator.mediaDevices.getUserMedia({
        video: { facingMode: "environment" },
        audio: false,
      });
      video.srcObject = stream;
      show(true);
      await video.play();
      shoot!.focus();
    } catch (e) {
      stop();
      say(REFUSED[(e as Error).name] ?? `The camera did not start: ${words(e)}`);
    } finally {
      starting = false;
    }
  });
  shoot!.addEventListener("click", () => {
    if (!video.videoWidth) return;
    const picture = grab(video, ratio);
    stop();
    taken(picture);
  });
  end!.addEventListener("click", () => {
    stop();
    byId("drop-hint").hidden = false;
  });
  return { stop };
}

// The dedicated worker: takes a job from the page, gives it rows.
//
// A classic worker, since LiteRT.js loads its wasm with importScripts; what it runs comes as
// modules. What is said before they are there waits in line.

import type { FromWorker, ToWorker } from "./messages.ts";

const waiting: ToWorker[] = [];
let receive = (message: ToWorker): void => void waiting.push(message);
self.onmessage = (event: MessageEvent<ToWorker>) => receive(event.data);

const say = (message: FromWorker) => self.postMessage(message);
const url = new URL("serve.js", self.location.href).href;
void (import(url) as Promise<typeof import("./serve.ts")>).then(
  ({ serve }) => {
    receive = serve(say);
    waiting.forEach(receive);
  },
  (e: unknown) => say({ kind: "lost", error: String(e) }),
);

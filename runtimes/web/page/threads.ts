// How many workers were really started here, whoever asked for them, and why no more.
//
// Runtimes say how many threads they would use; a pool that was never made shows here.

import { wasmHas } from "./offers.ts";

let started = 0;

/** Count from now on: to be called before any runtime is loaded. */
export function watchWorkers(): void {
  if (typeof Worker === "undefined") return;
  globalThis.Worker = new Proxy(Worker, {
    construct(make, given) {
      started += 1;
      return Reflect.construct(make, given) as object;
    },
  });
}

export function workersStarted(): number {
  return started;
}

/** "" where a page may have threads; else the reason. */
export function whyNoThreads(): string {
  if (!globalThis.crossOriginIsolated) return "the page is not isolated";
  return wasmHas("threads") ? "" : "the browser has no WebAssembly threads";
}

// How many workers were really started here, whoever asked for them.
//
// Runtimes say how many threads they would use; a pool that was never made, or one that is larger
// than what is used, shows here. Install it before any runtime is loaded.

let started = 0;

export function watchWorkers(): void {
  const Plain = globalThis.Worker;
  if (Plain === undefined) return;
  globalThis.Worker = class extends Plain {
    constructor(url: string | URL, options?: WorkerOptions) {
      super(url, options);
      started += 1;
    }
  };
}

export function workersStarted(): number {
  return started;
}

// The end of the worker's line: messages in, messages out, one job at a time.
//
// The same code serves on the main thread (`?main=1`), where the page calls it itself.

import { runJob } from "./jobs/run.ts";
import type { FromWorker, ToWorker } from "./messages.ts";
import type { Plain } from "./protocol.ts";
import { watchWorkers } from "./threads.ts";

export function serve(post: (message: FromWorker) => void): (message: ToWorker) => void {
  watchWorkers();
  let stopped = false;
  let answer: (values: Record<string, Plain>) => void = () => undefined;
  const pageFacts = () =>
    new Promise<Record<string, Plain>>((resolve) => {
      answer = resolve;
      post({ kind: "facts?" });
    });
  return (message) => {
    if (message.kind === "facts") answer(message.values);
    else if (message.kind === "stop") stopped = true;
    else {
      stopped = false;
      void runJob(message.message, {
        base: message.base,
        stage: "load",
        stopping: () => stopped,
        row: (row) => post({ kind: "row", row }),
        pageFacts,
      });
    }
  };
}

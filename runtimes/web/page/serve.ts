// The worker's end of the line: messages in, messages out, one job at a time.
//
// The same code serves on the main thread (`?main=1`), where the page calls it itself.

import { answerFetches } from "./fetched.ts";
import { runJob } from "./jobs/run.ts";
import { Sessions } from "./jobs/session.ts";
import { watchMemory } from "./memory.ts";
import type { Facts, FromWorker, ToWorker } from "./messages.ts";
import { watchWorkers } from "./threads.ts";

export function serve(post: (message: FromWorker) => void): (message: ToWorker) => void {
  answerFetches();
  watchWorkers();
  watchMemory();
  const sessions = new Sessions();
  let stopped = false;
  let answer: (values: Facts) => void = () => undefined;
  const facts = () =>
    new Promise<Facts>((resolve) => {
      answer = resolve;
      post({ kind: "facts?" });
    });
  return (message) => {
    if (message.kind === "facts") answer(message.values);
    else if (message.kind === "stop") stopped = true;
    else {
      stopped = false;
      void runJob(message.message, sessions, {
        base: message.base,
        stage: "load",
        stopping: () => stopped,
        row: (row) => post({ kind: "row", row }),
        lost: (error) => post({ kind: "lost", error }),
        facts,
      });
    }
  };
}

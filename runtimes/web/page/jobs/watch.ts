// What a round says while it runs: how far it is and, as often as the job asks, a reading.

import type { Clock, Watch } from "../timing.ts";
import type { Context } from "./context.ts";
import type { BenchJob } from "./job.ts";

/** A page has no sensors: its reading is the time since now alone, in seconds, and whoever runs
 * its browser adds those of the machine. */
export function watch(
  job: Pick<BenchJob, "sensorSeconds">,
  context: Pick<Context, "row" | "stopping">,
  clock: Pick<Clock, "now">,
): Watch {
  const begin = clock.now();
  let last = begin;
  return {
    stopping: context.stopping,
    onBeat: (done) => {
      context.row({ row: "progress", done: Math.round(done * 1e4) / 1e4, of: 1 });
      const now = clock.now();
      if (job.sensorSeconds === 0 || now - last < job.sensorSeconds * 1e9) return;
      last = now;
      const seconds = Math.round((now - begin) / 1e6) / 1e3;
      context.row({ row: "environment", when: "during", values: { seconds } });
    },
  };
}

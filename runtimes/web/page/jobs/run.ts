// One job from its message to its last row: `done`, or the one failure that ended it.

import { Failure, Lost, memoryHint, StalePage } from "../protocol.ts";
import { runBench } from "./bench.ts";
import type { Context } from "./context.ts";
import { readJob } from "./job.ts";
import { runPredict } from "./predict.ts";
import { runProbe } from "./probe.ts";
import type { Sessions } from "./session.ts";

export async function runJob(
  message: Record<string, unknown>,
  sessions: Sessions,
  context: Context,
): Promise<void> {
  try {
    const job = readJob(message);
    switch (job.job) {
      case "bench":
        await runBench(job, context);
        break;
      case "predict":
        await runPredict(job, context, sessions);
        break;
      case "probe":
        await runProbe(context);
    }
  } catch (e) {
    if (e instanceof Lost) context.lost(e.message);
    else context.row({ row: "failure", ...asFailure(e, context) });
    return;
  }
  context.row({ row: "done" });
}

function asFailure(e: unknown, context: Context): Record<string, string> {
  if (e instanceof StalePage) return { stage: "transport", error: e.message, hint: e.hint };
  if (e instanceof Failure) return { stage: context.stage, error: e.message, hint: e.hint };
  const said = e instanceof Error ? `${e.name}: ${e.message}` : String(e);
  const error = said.replace(/\s+/g, " ").slice(0, 300);
  return { stage: context.stage, error, hint: memoryHint(said) };
}

// One job from its message to its last row: `done`, or the one failure that ended it.

import { Failure, StalePage } from "../protocol.ts";
import { runBench } from "./bench.ts";
import type { Context } from "./context.ts";
import { readJob } from "./job.ts";
import { runPredict } from "./predict.ts";

export async function runJob(message: Record<string, unknown>, context: Context): Promise<void> {
  try {
    const job = readJob(message);
    if (job.job === "bench") await runBench(job, context);
    else if (job.job === "predict") await runPredict(job, context);
    else throw new Failure(`${job.job} is not done here`);
  } catch (e) {
    context.row({ row: "failure", ...asFailure(e, context) });
    return;
  }
  context.row({ row: "done" });
}

function asFailure(e: unknown, context: Context): Record<string, string> {
  if (e instanceof StalePage) return { stage: "transport", error: e.message, hint: e.hint };
  if (e instanceof Failure) return { stage: context.stage, error: e.message, hint: e.hint };
  if (isOutOfMemory(e)) {
    return {
      stage: context.stage,
      error: "out of memory",
      hint: "take a smaller model, or fewer tabs",
    };
  }
  const said = e instanceof Error ? `${e.name}: ${e.message}` : String(e);
  return { stage: context.stage, error: said.replace(/\s+/g, " ").slice(0, 300), hint: "" };
}

function isOutOfMemory(e: unknown): boolean {
  return e instanceof RangeError && /memory|allocation|array length/i.test(e.message);
}

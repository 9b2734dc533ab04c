// A job's artifact in its runtime, and what is said of it when it is loaded.

import { Failure } from "../protocol.ts";
import { RUNTIMES, type Session } from "../runtimes/runtime.ts";
import type { TensorSpec } from "../tensors.ts";
import type { Clock } from "../timing.ts";
import type { Context } from "./context.ts";

interface Loaded {
  readonly artifact: string;
  readonly runtime: string;
  readonly threads: number;
}

/** The session, and how long its load took, in nanoseconds: the runtime's own start included. */
export async function open(
  job: Loaded,
  context: Context,
  clock: Clock,
): Promise<[Session, number]> {
  const row = RUNTIMES[job.runtime];
  if (row === undefined) {
    throw new Failure(
      `no runtime named '${job.runtime}'; known: ${Object.keys(RUNTIMES).join(", ")}`,
    );
  }
  const module = await row.load();
  const reason = await module.whyNot();
  if (reason)
    throw new Failure(`${job.runtime} does not run here: ${reason}`, "take another --runtime");
  const start = clock.now();
  const session = await module.openSession(new URL(job.artifact, context.base).href, {
    threads: job.threads,
    vendor: new URL("vendor/", context.base).href,
  });
  return [session, clock.now() - start];
}

export function describe(session: Session, clock: Clock): Record<string, unknown> {
  return {
    in_force: {
      ...session.inForce(),
      isolated: globalThis.crossOriginIsolated ? "yes" : "no",
      worker: typeof document === "undefined" ? "yes" : "no",
      timer_step_us: String(clock.stepNs / 1e3),
      browser: navigator.userAgent,
    },
    inputs: session.inputs.map(shown),
    outputs: session.outputs.map(shown),
  };
}

function shown({ name, dtype, shape }: TensorSpec): Record<string, unknown> {
  return { name, dtype, shape };
}

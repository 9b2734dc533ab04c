// A job's artifact in its runtime, and what is said of it when it is loaded.

import { loadRuntime, type Session } from "../runtimes/runtime.ts";
import type { TensorSpec } from "../tensors.ts";
import { whyNoThreads } from "../threads.ts";
import type { Clock } from "../timing.ts";
import type { Context } from "./context.ts";

interface Loading {
  readonly artifact: string;
  readonly artifactKey: string;
  readonly runtime: string;
  readonly threads: number;
}

/** The session, and how long its load took, in nanoseconds: the runtime's own start included, the
 * way of model and runtime through the network not. */
export async function open(
  job: Loading,
  context: Context,
  clock: Clock,
): Promise<[Session, number]> {
  const module = await loadRuntime(job.runtime);
  const artifact = new URL(job.artifact, context.base).href;
  const options = { threads: job.threads, vendor: new URL("vendor/", context.base).href };
  await module.bring?.(artifact, options);
  const start = clock.now();
  const session = await module.openSession(artifact, options);
  return [session, clock.now() - start];
}

/** Keeps the last session open: jobs come in chunks of one data set. */
export class Sessions {
  #key: string | undefined;
  #session: Session | undefined;

  async open(job: Loading, context: Context, clock: Clock): Promise<[Session, number]> {
    const key = job.artifactKey && `${job.artifactKey} ${job.runtime} ${job.threads}`;
    if (this.#session !== undefined && key && key === this.#key) return [this.#session, 0];
    this.#session?.close();
    this.#session = undefined;
    const [session, loadNs] = await open(job, context, clock);
    this.#session = session;
    this.#key = key;
    return [session, loadNs];
  }
}

export async function describe(
  session: Session,
  job: Loading,
  clock: Clock,
): Promise<Record<string, unknown>> {
  return {
    in_force: {
      ...withReason(await session.inForce(), job.threads),
      isolated: globalThis.crossOriginIsolated ? "yes" : "no",
      worker: typeof document === "undefined" ? "yes" : "no",
      timer_step_us: String(clock.stepNs / 1e3),
      browser: navigator.userAgent,
    },
    inputs: session.inputs.map(shown),
    outputs: session.outputs.map(shown),
  };
}

/** Fewer threads than asked for never stand there alone: the runtime's own reason, else the page's. */
export function withReason(inForce: Record<string, string>, asked: number): Record<string, string> {
  const { why_no_threads: own, ...rest } = inForce;
  if (Number(rest.threads ?? asked) >= asked) return rest;
  const why = own || whyNoThreads() || "the runtime started no more";
  return { ...rest, threads_asked: String(asked), why_no_threads: why };
}

function shown({ name, dtype, shape }: TensorSpec): Record<string, unknown> {
  return { name, dtype, shape };
}

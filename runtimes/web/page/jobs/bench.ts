// The `bench` job: environment, load, first call, the round, environment, in this order.

import { openClock } from "../clock.ts";
import { readEnvironment } from "../environment.ts";
import { readNpz, writeNpy } from "../npz.ts";
import type { Plain } from "../protocol.ts";
import { RUNTIMES, type Session } from "../runtimes/runtime.ts";
import { feeds, fixedBatch, match, randomItems, type Arrays } from "../tensors.ts";
import { timeCalls, type Clock } from "../timing.ts";
import { fetchBytes, putBytes, type Context } from "./context.ts";
import type { BenchJob } from "./job.ts";
import { describe, open } from "./session.ts";
import { watch } from "./watch.ts";

const RANDOM_ITEMS = 8;

export async function runBench(job: BenchJob, context: Context): Promise<void> {
  const clock = openClock();
  const environment = async (when: string, more: Record<string, Plain> = {}) => {
    const values = { ...(await readEnvironment(context, clock)), ...more };
    context.row({ row: "environment", when, values });
  };
  await environment("before");
  const [session, loadNs] = await open(job, context, clock);
  try {
    context.row({ row: "loaded", load_ns: loadNs, ...(await describe(session, job, clock)) });
    context.stage = "run";
    const prepared = await prepare(session, job, context);
    const firstNs = await timeOne(session, prepared[0] as Arrays, clock);
    context.row({ row: "first", ns: firstNs });
    const gpu = /^webg/.test(RUNTIMES[job.runtime]?.needs ?? "");
    const secondNs = gpu ? await timeOne(session, prepared[0] as Arrays, clock) : firstNs;
    context.stage = "measure";
    await time(session, prepared, job, context, clock);
    // What the first call of a GPU takes longer is the compilation of its shaders
    await environment("after", gpu ? { shaders_ns: Math.max(0, firstNs - secondNs) } : {});
  } finally {
    session.close();
  }
}

async function timeOne(session: Session, feed: Arrays, clock: Clock): Promise<number> {
  const start = clock.now();
  await session.run(feed);
  return clock.now() - start;
}

async function time(
  session: Session,
  prepared: readonly Arrays[],
  job: BenchJob,
  context: Context,
  clock: Clock,
): Promise<void> {
  const make = (some: readonly Arrays[]) => session.timed(some);
  const timed = await timeCalls(make, prepared, job, clock, watch(job, context, clock));
  const data = BigInt64Array.from(timed.samplesNs, (ns) => BigInt(Math.round(ns)));
  await putBytes(
    context,
    job.samplesFile,
    writeNpy({ dtype: "int64", shape: [data.length], data }),
  );
  context.row({
    row: "samples",
    file: job.samplesFile,
    warmup_samples: timed.warmupSamples,
    calls_per_sample: timed.callsPerSample,
    partial: timed.partial,
  });
}

/** Feeds in the file's dtypes: the real items where there are any, else seeded ones. */
async function prepare(
  session: Session,
  job: BenchJob,
  context: Context,
): Promise<readonly Arrays[]> {
  const given = job.feeds ? readNpz(await fetchBytes(context, job.feeds)) : undefined;
  if (given && job.runtime === "null") {
    return [
      new Map(
        [...given].map(([name, t]) => [
          name,
          {
            ...t,
            shape: [1, ...t.shape.slice(1)],
            data: t.data.slice(0, t.data.length / (t.shape[0] ?? 1)),
          },
        ]),
      ),
    ];
  }
  const real = given ?? randomItems(session.inputs, RANDOM_ITEMS, job.seed);
  const batch = fixedBatch(session.inputs) ?? 1;
  return [...feeds(match(real, session.inputs), session.inputs, batch)].map(([feed]) => feed);
}

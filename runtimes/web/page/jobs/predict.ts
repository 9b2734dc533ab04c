// The `predict` job: every item through the artifact, in real values on both sides.

import { openClock } from "../clock.ts";
import { readNpz, writeNpz } from "../npz.ts";
import { Failure } from "../protocol.ts";
import type { Session } from "../runtimes/runtime.ts";
import {
  countItems,
  dequantize,
  emptyData,
  feeds,
  fixedBatch,
  match,
  sizeOf,
  type Arrays,
  type Tensor,
  type TensorSpec,
} from "../tensors.ts";
import { fetchBytes, putBytes, type Context } from "./context.ts";
import type { PredictJob } from "./job.ts";
import { describe, type Sessions } from "./session.ts";

const BATCH_ITEMS = 32;
const BATCH_BYTES = 16 * 2 ** 20;
const BEAT_MS = 2_000;

export async function runPredict(
  job: PredictJob,
  context: Context,
  sessions: Sessions,
): Promise<void> {
  const clock = openClock();
  const [session, loadNs] = await sessions.open(job, context, clock);
  context.row({ row: "loaded", load_ns: loadNs, ...(await describe(session, job, clock)) });
  context.stage = "run";
  const items = match(readNpz(await fetchBytes(context, job.inputs)), session.inputs);
  const outputs = await predict(session, items, context);
  await putBytes(context, job.outputs, writeNpz(outputs));
  context.row({ row: "outputs", file: job.outputs });
}

/** float32 [items, ...] by output name; the session forgets its state before each run. */
export async function predict(session: Session, items: Arrays, context: Context): Promise<Arrays> {
  const fixed = fixedBatch(session.inputs);
  if (fixed !== null) return gather(session, items, fixed, context);
  const batch = freeBatch(items);
  if (batch > 1) {
    try {
      return await gather(session, items, batch, context);
    } catch (e) {
      // a free first dimension need not be a batch all the way through: one by one, then
      if (!(e instanceof Failure) || context.stopping()) throw e;
    }
  }
  return gather(session, items, 1, context);
}

function freeBatch(items: Arrays): number {
  const count = countItems(items);
  const bytes = [...items.values()].reduce((total, t) => total + t.data.byteLength, 0) / count;
  return Math.max(1, Math.min(BATCH_ITEMS, count, Math.floor(BATCH_BYTES / Math.max(1, bytes))));
}

async function gather(
  session: Session,
  items: Arrays,
  batch: number,
  context: Context,
): Promise<Arrays> {
  const parts = new Map<string, Tensor[]>(session.outputs.map(({ name }) => [name, []]));
  const total = countItems(items);
  let done = 0;
  let beat = performance.now();
  for (const [feed, count] of feeds(items, session.inputs, batch)) {
    if (context.stopping()) throw new Failure("stopped before the last item");
    await session.reset();
    const found = await session.run(feed);
    for (const spec of session.outputs) {
      const result = dequantize(found.get(spec.name) as Tensor, spec);
      (parts.get(spec.name) as Tensor[]).push(realItems(result, spec, batch, count));
    }
    done += count;
    if (performance.now() - beat > BEAT_MS) {
      context.row({ row: "progress", done, of: total });
      beat = performance.now();
      await new Promise((resolve) => setTimeout(resolve)); // a stop comes through
    }
  }
  return new Map([...parts].map(([name, tensors]) => [name, joined(tensors)]));
}

/** The real items of one result; one of a single item may lack the batch dimension. */
function realItems(result: Tensor, spec: TensorSpec, batch: number, count: number): Tensor {
  const { shape, data, dtype } = result;
  if (shape.length && shape[0] === batch) {
    const size = count * sizeOf(shape.slice(1));
    return { dtype, shape: [count, ...shape.slice(1)], data: data.slice(0, size) };
  }
  if (batch === 1) return { dtype, shape: [1, ...shape], data };
  throw new Failure(
    `output '${spec.name}' has shape [${shape.join(", ")}] for a batch of ${batch}`,
    "convert it with --batch 1",
  );
}

function joined(parts: readonly Tensor[]): Tensor {
  const { dtype, shape } = parts[0] as Tensor;
  const data = emptyData(
    dtype,
    parts.reduce((total, part) => total + part.data.length, 0),
  );
  let at = 0;
  let items = 0;
  for (const part of parts) {
    data.set(part.data as never, at);
    at += part.data.length;
    items += part.shape[0] as number;
  }
  return { dtype, shape: [items, ...shape.slice(1)], data };
}

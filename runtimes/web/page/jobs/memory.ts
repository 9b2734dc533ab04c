// The `memory` job: what the artifact needs, loaded and run a few times in a worker of its own.
//
// Counted is the WebAssembly memory, in every browser alike; where a runtime has none (plain
// JavaScript, a GPU) nothing is said. Chromium's own count of a page takes up to 40 s, and was seen
// to leave out most of a worker's WebAssembly.

import { openClock } from "../clock.ts";
import { wasmBytes } from "../memory.ts";
import type { Arrays } from "../tensors.ts";
import { prepare } from "./bench.ts";
import type { Context } from "./context.ts";
import type { MemoryJob } from "./job.ts";
import { open } from "./session.ts";

const RUNS = 10;

export async function runMemory(job: MemoryJob, context: Context): Promise<void> {
  const before = wasmBytes();
  const [session] = await open(job, context, openClock());
  try {
    context.stage = "run";
    const prepared = await prepare(session, job, context);
    for (let i = 0; i < RUNS; i++) await session.run(prepared[i % prepared.length] as Arrays);
    const peak = wasmBytes();
    context.row({ row: "memory", peak_bytes: peak || null, before_bytes: peak ? before : null });
  } finally {
    session.close();
  }
}

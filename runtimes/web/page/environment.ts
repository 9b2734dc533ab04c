// What the page's machine was like before and after a round, as far as a page may know.

import type { Context } from "./jobs/context.ts";
import type { Plain } from "./protocol.ts";
import type { Clock } from "./timing.ts";

const REPEATS = 12;
const LOOPS = 1_000_000;

export async function readEnvironment(
  context: Context,
  clock: Clock,
): Promise<Record<string, Plain>> {
  const values: Record<string, Plain> = {
    ...(await context.pageFacts()),
    work_ns: workNs(clock),
    cores: navigator.hardwareConcurrency,
    isolated: globalThis.crossOriginIsolated,
    timer_step_ns: clock.stepNs,
    user_agent: navigator.userAgent,
    platform: "browser",
  };
  const known = Object.entries(values).filter(([, value]) => value !== null);
  const unknown = Object.keys(values).filter((name) => values[name] === null);
  return { ...Object.fromEntries(known), unknown: unknown.sort().join(",") };
}

/** The least time of a fixed loop of integer work: slower after than before is a slower machine. */
function workNs(clock: Clock): number {
  let best = Infinity;
  for (let i = 0; i < REPEATS; i++) {
    const start = clock.now();
    let x = 1;
    for (let j = 0; j < LOOPS; j++) x = Math.imul(x, 48271) ^ j;
    const took = clock.now() - start;
    if (x !== 0.5) best = Math.min(best, took);
  }
  return best;
}

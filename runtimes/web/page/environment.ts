// What the page's machine was like before and after a round, as far as a page may know.

import type { Context } from "./jobs/context.ts";
import { wasmBytes } from "./memory.ts";
import type { Plain } from "./protocol.ts";
import type { Clock } from "./timing.ts";

const REPEATS = 15;
const LEAST_STEPS = 100; // of the clock, in one repeat
const LOOPS = 1_000_000; // 1.5 ms

interface Hints {
  readonly getHighEntropyValues?: (names: string[]) => Promise<Record<string, unknown>>;
}

/** What a browser does not say is listed under `unknown`. Units are in the names. */
export async function readEnvironment(
  context: Context,
  clock: Clock,
): Promise<Record<string, Plain>> {
  const values: Record<string, Plain> = {
    ...(await context.facts()),
    ...(await readMachine()),
    work_ns: workNs(clock),
    wasm_bytes: wasmBytes(),
    cores: navigator.hardwareConcurrency,
    isolated: globalThis.crossOriginIsolated,
    timer_step_ns: clock.stepNs,
    user_agent: navigator.userAgent,
  };
  const known = Object.entries(values).filter(([, value]) => value !== null);
  const unknown = Object.keys(values).filter((name) => values[name] === null);
  return { ...Object.fromEntries(known), unknown: unknown.sort().join(",") };
}

/** Chromium says these, and only to secure pages; else what every browser says stands for them. */
async function readMachine(): Promise<Record<string, Plain>> {
  const names = ["architecture", "model", "platform", "platformVersion"];
  const hints = (navigator as { userAgentData?: Hints }).userAgentData;
  const found = await hints?.getHighEntropyValues?.(names).catch(() => undefined);
  const text = (name: string) => (found?.[name] ? String(found[name]) : null);
  return {
    architecture: text("architecture"),
    device: text("model") ?? deviceOf(navigator.userAgent),
    platform: text("platform") ?? (navigator.platform || null),
    platform_version: text("platformVersion"),
  };
}

/** The words for the device in a user agent: `Linux; Android 14; Pixel 8`; null where it has none. */
export function deviceOf(userAgent: string): string | null {
  return /\(([^()]+)\)/.exec(userAgent)?.[1] ?? null;
}

/** The least time of a fixed loop of integer work: slower after than before is a slower machine.
 * Where the clock is too coarse for the loop, several make one repeat. */
function workNs(clock: Clock): number {
  let times = 1;
  while (spin(clock, times) < LEAST_STEPS * clock.stepNs && times < 64) times *= 2;
  const took = Array.from({ length: REPEATS }, () => spin(clock, times) / times);
  return Math.round(Math.min(...took));
}

let kept = 0; // read by no one; without it the loop might be left out

function spin(clock: Clock, times: number): number {
  const start = clock.now();
  let x = 1;
  for (let i = 0; i < times * LOOPS; i++) x = Math.imul(x, 48271) ^ i;
  kept = x;
  return clock.now() - start + (kept === 0.5 ? 1 : 0);
}

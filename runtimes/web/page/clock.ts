// The clock of a page or worker, and the step it makes.
//
// Browsers make it coarse on purpose: 5 us (Chromium) or 20 us (Firefox) in an isolated page,
// 100 us or 1 ms in any other. The step is measured, not looked up.

import type { Clock } from "./timing.ts";

const LIMIT_MS = 60;
const STEPS = 30;

/** The smallest step the clock was seen to make, in nanoseconds. */
export function clockStepNs(read: () => number = () => performance.now()): number {
  let least = Infinity;
  let last = read();
  const end = last + LIMIT_MS;
  for (let seen = 0; seen < STEPS && last < end;) {
    const now = read();
    if (now > last) {
      least = Math.min(least, now - last);
      last = now;
      seen += 1;
    }
  }
  return Math.max(1, Math.round(least * 1e6));
}

/** `performance.now()` in nanoseconds. Measured once a worker, since it takes up to 60 ms. */
export function openClock(): Clock {
  const channel = new MessageChannel();
  let wake: () => void = () => undefined;
  channel.port1.onmessage = () => wake();
  return {
    now: () => Math.round(performance.now() * 1e6),
    stepNs: clockStepNs(),
    pause: () =>
      new Promise((resolve) => {
        wake = resolve;
        channel.port2.postMessage(0);
      }),
  };
}

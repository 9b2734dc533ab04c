import { describe, expect, test } from "vitest";

import { CLOCK_STEPS, groupSize, timeCalls, type Clock, type Timed } from "../../page/timing.ts";

/** Time that passes only where it is spent, seen through a clock of a certain step. */
class World {
  ns = 0;
  calls = 0;
  pauses = 0;
  readonly done: number[] = [];

  clock(stepNs: number): Clock {
    return {
      stepNs,
      now: () => Math.floor(this.ns / stepNs) * stepNs,
      pause: () => {
        this.pauses += 1;
        return Promise.resolve();
      },
    };
  }

  /** Calls that take `callNs(n)` each, n being how many were made before. */
  maker(callNs: (n: number) => number, later = false) {
    return (items: readonly number[]) => {
      const work = () => {
        for (const item of items) {
          this.ns += callNs(this.calls++);
          if (this.done.length < 100) this.done.push(item);
        }
      };
      return later ? async () => Promise.resolve().then(work) : work;
    };
  }
}

const BUDGET = { seconds: 1, samples: 16, maxSamples: 20_000 };
const QUIET = { stopping: () => false, onBeat: () => undefined };

function steady(timed: Timed): number[] {
  return timed.samplesNs.slice(timed.warmupSamples);
}

describe.each([false, true])("a slow call, later: %s", (later) => {
  test("is a sample each, of its own time", async () => {
    const world = new World();
    const make = world.maker(() => 20e6, later);
    const timed = await timeCalls(make, [0, 1, 2], BUDGET, world.clock(5_000), QUIET);
    expect(timed.callsPerSample).toBe(1);
    expect(new Set(timed.samplesNs)).toEqual(new Set([20e6]));
    expect(timed.samplesNs.length).toBe(world.calls);
    expect(timed.partial).toBe(false);
    expect(world.done.slice(0, 40)).toEqual(Array.from({ length: 40 }, (_, i) => i % 3));
  });

  test("is warmed up for a fifth of the round, and for ten calls at least", async () => {
    const world = new World();
    const make = world.maker(() => 50e6, later);
    const timed = await timeCalls(make, [0], BUDGET, world.clock(1), QUIET);
    expect(timed.warmupSamples).toBe(10);
    expect(steady(timed).length).toBe(20);
  });
});

describe.each([
  [1, 700],
  [5_000, 700],
  [20_000, 700],
  [1e6, 30_000],
])("under a clock of %i ns, a call of %i ns", (stepNs, callNs) => {
  test("is timed K at a time, every call counted", async () => {
    const world = new World();
    const timed = await timeCalls(
      world.maker(() => callNs),
      [0, 1],
      BUDGET,
      world.clock(stepNs),
      QUIET,
    );
    expect(timed.samplesNs.length * timed.callsPerSample).toBe(world.calls);
    expect(Math.min(...steady(timed))).toBeGreaterThanOrEqual(0.9 * CLOCK_STEPS * stepNs);
    const median = steady(timed).sort((a, b) => a - b)[steady(timed).length >> 1] as number;
    expect(median / timed.callsPerSample / callNs).toBeCloseTo(1, 1);
    expect(steady(timed).length).toBeGreaterThanOrEqual(BUDGET.samples);
    expect(timed.samplesNs.length).toBeLessThanOrEqual(BUDGET.maxSamples);
  });
});

test.each([
  ["each call", 1, 700],
  ["each call", 5_000, 200_000],
  ["calls only together", 5_000, 700],
])(
  "a busy machine while K is chosen does not make it small: a clock that sees %s",
  async (_, stepNs, callNs) => {
    const world = new World();
    // nine of the first ten are held up, and so is one of the first that are timed together
    const make = world.maker((n) => (n < 9 || n === 15 ? 6e6 : callNs));
    const timed = await timeCalls(make, [0], BUDGET, world.clock(stepNs), QUIET);
    expect(timed.callsPerSample).toBeGreaterThanOrEqual(groupSize(1.1 * callNs, BUDGET, stepNs));
    expect(timed.samplesNs.length * timed.callsPerSample).toBe(world.calls);
  },
);

test("a call that becomes faster makes larger groups, and no sample is lost", async () => {
  const world = new World();
  const make = world.maker((n) => (n < 50 ? 10e6 : 60e3));
  const budget = { seconds: 2, samples: 10, maxSamples: 400 };
  const timed = await timeCalls(make, [0], budget, world.clock(1), QUIET);
  expect(timed.callsPerSample).toBeGreaterThan(1);
  expect(timed.samplesNs.length).toBeLessThanOrEqual(budget.maxSamples);
  expect(timed.samplesNs.length * timed.callsPerSample).toBe(world.calls);
  expect(timed.samplesNs.reduce((sum, ns) => sum + ns, 0)).toBe(world.ns);
});

test("the count is reached where the time is too short for it", async () => {
  const world = new World();
  const timed = await timeCalls(
    world.maker(() => 0.5e9),
    [0],
    BUDGET,
    world.clock(1),
    QUIET,
  );
  expect(steady(timed).length).toBe(BUDGET.samples);
});

test("a stop leaves what is there, marked partial", async () => {
  const world = new World();
  const stopping = () => world.calls > 30;
  const make = world.maker(() => 20e6);
  const timed = await timeCalls(make, [0], BUDGET, world.clock(1), { ...QUIET, stopping });
  expect(timed.partial).toBe(true);
  expect(timed.samplesNs.length).toBe(world.calls);
  expect(world.calls).toBeLessThan(60);
});

test("a call that takes seconds is heard of from the first on, and can be stopped there", async () => {
  const world = new World();
  const beats: number[] = [];
  const watch = {
    stopping: () => world.calls === 4,
    onBeat: (done: number) => void beats.push(done),
  };
  const make = world.maker(() => 3e9, true);
  const timed = await timeCalls(make, [0, 1], BUDGET, world.clock(5_000), watch);
  expect(timed).toEqual({
    samplesNs: [3e9, 3e9, 3e9, 3e9],
    warmupSamples: 4,
    callsPerSample: 1,
    partial: true,
  });
  expect(beats).toEqual([0, 0, 0, 0]);
  expect(world.pauses).toBe(4);
});

test("messages come through several times a second, and a beat every two", async () => {
  const world = new World();
  const beats: number[] = [];
  const watch = { ...QUIET, onBeat: (done: number) => void beats.push(done) };
  const budget = { ...BUDGET, seconds: 10 };
  await timeCalls(
    world.maker(() => 1e6),
    [0],
    budget,
    world.clock(1),
    watch,
  );
  expect(world.pauses).toBeGreaterThan(40);
  expect(beats.length).toBeGreaterThanOrEqual(5);
  expect([...beats].sort((a, b) => a - b)).toEqual(beats);
});

test("more samples than the most can hold are refused", () => {
  const budget = { seconds: 1, samples: 200, maxSamples: 400 };
  const make = new World().maker(() => 1);
  expect(() => timeCalls(make, [0], budget, new World().clock(1), QUIET)).toThrow(
    "200 samples a round, and at most 400",
  );
});

test("the group of a call follows the clock, the least sample and the count", () => {
  expect(groupSize(1_000, BUDGET, 1)).toBe(75); // 1.2 s in 0.8 * 20,000 samples
  expect(groupSize(1_000, { ...BUDGET, seconds: 0.1 }, 1)).toBe(50); // 50 us
  expect(groupSize(1_000, BUDGET, 5_000)).toBe(5_000); // 1,000 steps
  expect(groupSize(5e6, BUDGET, 5_000)).toBe(1);
});

// The timing loop: how long one call takes, sample by sample. None is ever dropped.
//
// The same loop as `edgewright_runtimes.timing`, for a clock that is coarse (5 us to 1 ms a step,
// and a call of 2 us reads 0) and calls that may end later (promises). A sample is the time of one
// group of items (K, `callsPerSample`): one where it takes long enough for the clock, more where
// it does not, and more again where one each would make too many samples for the round. Between
// samples, never in one, the loop steps aside so that messages (stop) come through.

import { Failure } from "./protocol.ts";

/** Does its items one after the other; a promise where that ends later. */
export type Call = () => void | Promise<void>;

export interface Clock {
  /** Nanoseconds, from any beginning. */
  now(): number;
  stepNs: number;
  /** Let whatever waits outside the loop have its turn. */
  pause(): Promise<void>;
}

export interface Budget {
  /** What a round must reach after its warm-up: both the time and the count of samples. */
  readonly seconds: number;
  readonly samples: number;
  readonly maxSamples: number;
}

export interface Timed {
  /** Nanoseconds per group of `callsPerSample` calls; the first `warmupSamples` are warm-up. */
  readonly samplesNs: readonly number[];
  readonly warmupSamples: number;
  readonly callsPerSample: number;
  /** Stopped before its time or count. */
  readonly partial: boolean;
}

export const MAX_SAMPLES = 20_000; // a round's, warm-up included
export const MIN_SAMPLE_NS = 50_000; // shorter calls are timed K at a time
export const CLOCK_STEPS = 1_000; // a sample is at least so many steps of the clock: 0.1 %
const PILOT_STEPS = 20; // what the pilot must take for K to be known within 5 %
const WARMUP_CALLS = 10;
const WARMUP_SHARE = 0.2; // of the round's time
const BEAT_NS = 2e9;
const PAUSE_NS = 250e6;

export function checkBudget(budget: Budget): Budget {
  if (budget.samples * 4 > budget.maxSamples) {
    throw new Failure(
      `${budget.samples} samples a round, and at most ${budget.maxSamples}`,
      "the most must be at least four times the count",
    );
  }
  return budget;
}

/** K: calls per sample for a call of `callNs`. */
export function groupSize(callNs: number, budget: Budget, stepNs: number): number {
  const call = Math.max(callNs, 1);
  const shortest = Math.max(MIN_SAMPLE_NS, CLOCK_STEPS * stepNs);
  const totalNs = budget.seconds * (1 + WARMUP_SHARE) * 1e9;
  const forCount = totalNs / (0.8 * budget.maxSamples);
  return Math.max(1, Math.ceil(Math.max(call < shortest ? shortest : 0, forCount) / call));
}

export interface Watch {
  stopping(): boolean;
  /** Hears, every two seconds and between samples, what part of the round is done. */
  onBeat(done: number): void;
}

/** Time each of `items` in turn until `budget` is reached. `make(some)` does `some` of them. */
export function timeCalls<T>(
  make: (items: readonly T[]) => Call,
  items: readonly T[],
  budget: Budget,
  clock: Clock,
  watch: Watch,
): Promise<Timed> {
  return new Round(make, items, checkBudget(budget), clock, watch).run();
}

class Round<T> {
  #samples: number[] = [];
  #warmup = 0;
  #k = 1;
  #next = 0;
  #begin = 0;
  #beaten = 0;
  #paused = 0;
  readonly #make;
  readonly #items;
  readonly #budget;
  readonly #clock;
  readonly #watch;

  constructor(
    make: (items: readonly T[]) => Call,
    items: readonly T[],
    budget: Budget,
    clock: Clock,
    watch: Watch,
  ) {
    this.#make = make;
    this.#items = items;
    this.#budget = budget;
    this.#clock = clock;
    this.#watch = watch;
  }

  async run(): Promise<Timed> {
    this.#begin = this.#beaten = this.#paused = this.#clock.now();
    await this.#pilot();
    await this.#sampleUntil(this.#begin + this.#budget.seconds * WARMUP_SHARE * 1e9, 0);
    this.#warmup = this.#samples.length;
    const ready = this.#clock.now() + this.#budget.seconds * 1e9;
    const whole = await this.#sampleUntil(ready, this.#budget.samples);
    return {
      samplesNs: this.#samples,
      warmupSamples: this.#warmup,
      callsPerSample: this.#k,
      partial: !whole,
    };
  }

  /** The first calls, to choose K; they stay, summed into groups of K.
   *
   * One by one where the clock sees one; else in spans that double until it sees them. The least
   * decides: a busy machine only adds to a call, and a K that is too small stays. */
  async #pilot(): Promise<void> {
    const spans: number[] = [];
    await this.#oneByOne(WARMUP_CALLS, spans);
    if (spans.length < WARMUP_CALLS) {
      this.#samples = spans; // stopped
      return;
    }
    const enough = PILOT_STEPS * this.#clock.stepNs;
    let calls = WARMUP_CALLS;
    let callNs = Math.min(...spans);
    for (let n = WARMUP_CALLS, took = callNs; took < enough; n *= 2) {
      const twice = [await this.#span(n), await this.#span(n)];
      spans.push(...twice);
      calls += 2 * n;
      took = Math.min(...twice);
      callNs = took / n;
    }
    this.#k = groupSize(callNs, this.#budget, this.#clock.stepNs);
    if (calls > WARMUP_CALLS) {
      this.#k = Math.max(this.#k, calls); // spans of many calls make one sample, whole
      spans.push(await this.#span(this.#k - calls));
      this.#samples.push(sum(spans));
      return;
    }
    const missing = (this.#k - (calls % this.#k)) % this.#k;
    await this.#oneByOne(missing, spans);
    if (spans.length % this.#k) this.#k = 1; // stopped: what there is has no whole groups
    for (let i = 0; i < spans.length; i += this.#k) {
      this.#samples.push(sum(spans.slice(i, i + this.#k)));
    }
  }

  /** Single calls, fewer where they are stopped, for a slow model's take minutes; one at least. */
  async #oneByOne(calls: number, spans: number[]): Promise<void> {
    for (let i = 0; i < calls; i++) {
      if (spans.length > 0 && this.#watch.stopping()) return;
      spans.push(await this.#span(1));
      if (this.#clock.now() - this.#paused < PAUSE_NS) continue;
      this.#beat(this.#budget.samples);
      await this.#rest();
    }
  }

  async #rest(): Promise<void> {
    await this.#clock.pause();
    this.#paused = this.#clock.now();
  }

  async #span(calls: number): Promise<number> {
    if (calls === 0) return 0;
    const call = this.#make(this.#take(calls));
    const start = this.#clock.now();
    const later = call();
    if (later !== undefined) await later;
    return this.#clock.now() - start;
  }

  /** The next items in turn, never begun anew: each gets its share. */
  #take(count: number): T[] {
    const taken = Array.from(
      { length: count },
      (_, i) => this.#items[(this.#next + i) % this.#items.length] as T,
    );
    this.#next = (this.#next + count) % this.#items.length;
    return taken;
  }

  /** Sample until the clock reads `time` and `count` stand behind the warm-up; false: stopped. */
  async #sampleUntil(time: number, count: number): Promise<boolean> {
    const most = Math.floor(this.#budget.maxSamples / 2) * 2;
    for (;;) {
      const now = this.#clock.now();
      if (now >= time && this.#samples.length - this.#warmup >= count) return true;
      if (this.#watch.stopping()) return false;
      const pause = now < time ? Math.min(time, now + PAUSE_NS) : now + PAUSE_NS;
      const limit = now >= time ? Math.min(most, this.#warmup + count) : most;
      await this.#sample(pause, limit);
      if (this.#samples.length >= most) this.#double();
      this.#beat(count);
      await this.#rest();
    }
  }

  #beat(count: number): void {
    const now = this.#clock.now();
    if (now - this.#beaten < BEAT_NS) return;
    this.#beaten = now;
    const wholeNs = this.#budget.seconds * (1 + WARMUP_SHARE) * 1e9;
    const part = Math.min(1, (now - this.#begin) / wholeNs);
    const counted = count ? (this.#samples.length - this.#warmup) / count : part;
    this.#watch.onBeat(Math.min(part, counted));
  }

  /** The innermost loop: nothing but a call stands between the two clock reads. */
  async #sample(pause: number, limit: number): Promise<void> {
    const clock = this.#clock;
    const samples = this.#samples;
    const calls = this.#calls();
    for (let i = 0; ; i = (i + 1) % calls.length) {
      const call = calls[i] as Call;
      const start = clock.now();
      const later = call();
      if (later !== undefined) await later;
      const end = clock.now();
      samples.push(end - start);
      if (end >= pause || samples.length >= limit) {
        if (this.#k === 1) this.#next = (this.#next + i + 1) % this.#items.length;
        return;
      }
    }
  }

  /** Every item by itself, beginning with the next one; or one group of K. */
  #calls(): Call[] {
    if (this.#k > 1) return [this.#make(this.#take(this.#k))];
    const turned = [...this.#items.slice(this.#next), ...this.#items.slice(0, this.#next)];
    return turned.map((item) => this.#make([item]));
  }

  /** Too many samples after all: K doubles, and each two neighbours become one. */
  #double(): void {
    const pairs = this.#samples;
    this.#samples = [];
    for (let i = 0; i < pairs.length; i += 2) {
      this.#samples.push((pairs[i] as number) + (pairs[i + 1] as number));
    }
    this.#warmup = (this.#warmup + 1) >> 1;
    this.#k *= 2;
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

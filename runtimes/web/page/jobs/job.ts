// The jobs of the protocol, as checked records.

import { Failure, PROTOCOL, StalePage } from "../protocol.ts";
import { MAX_SAMPLES } from "../timing.ts";

interface Loaded {
  readonly artifact: string;
  /** The same as long as the artifact is; each job gives it another address. */
  readonly artifactKey: string;
  readonly runtime: string;
  readonly threads: number;
}

/** Time one artifact for one round; `seconds` and `samples` are this round's. */
export interface BenchJob extends Loaded {
  readonly job: "bench";
  readonly feeds: string;
  readonly seconds: number;
  readonly samples: number;
  readonly maxSamples: number;
  readonly seed: number;
  /** How often a reading is wanted within the round; 0: never. */
  readonly sensorSeconds: number;
  readonly samplesFile: string;
}

/** Real-valued inputs [items, ...] by tensor name in, float32 outputs [items, ...] out. */
export interface PredictJob extends Loaded {
  readonly job: "predict";
  readonly inputs: string;
  readonly outputs: string;
}

/** What this browser offers. */
export interface ProbeJob {
  readonly job: "probe";
}

export type Job = BenchJob | PredictJob | ProbeJob;

/** One message as a job. A Failure names the field that is missing or wrong. */
export function readJob(message: Record<string, unknown>): Job {
  if ((message.protocol ?? PROTOCOL) !== PROTOCOL) {
    throw new StalePage(
      `protocol ${String(message.protocol)} there, ${PROTOCOL} in this page`,
      "reload the page",
    );
  }
  const field = new Fields(message);
  const loaded = () => ({
    artifact: field.text("artifact"),
    artifactKey: field.text("artifact_key", ""),
    runtime: field.text("runtime"),
    threads: field.whole("threads", 1),
  });
  switch (message.job) {
    case "bench":
      return {
        job: "bench",
        ...loaded(),
        feeds: field.text("feeds", ""),
        seconds: field.number("seconds"),
        samples: field.whole("samples", 0),
        maxSamples: field.whole("max_samples", 1, MAX_SAMPLES),
        seed: field.whole("seed", 0, 0),
        sensorSeconds: field.number("sensor_seconds", 0),
        samplesFile: field.text("samples_file"),
      };
    case "predict":
      return {
        job: "predict",
        ...loaded(),
        inputs: field.text("inputs"),
        outputs: field.text("outputs"),
      };
    case "probe":
      return { job: "probe" };
    default:
      throw new Failure(
        `no job named '${String(message.job)}'; known: bench, predict, probe, stop`,
      );
  }
}

class Fields {
  readonly #message: Record<string, unknown>;

  constructor(message: Record<string, unknown>) {
    this.#message = message;
  }

  text(name: string, standard?: string): string {
    const value = this.#message[name] ?? standard;
    if (typeof value !== "string") throw this.#wrong(name, "a string");
    return value;
  }

  number(name: string, standard?: number): number {
    const value = this.#message[name] ?? standard;
    if (typeof value !== "number" || !(value >= 0)) throw this.#wrong(name, "a number, 0 or more");
    return value;
  }

  whole(name: string, least: number, standard?: number): number {
    const value = this.#message[name] ?? standard;
    if (!Number.isSafeInteger(value) || (value as number) < least) {
      throw this.#wrong(name, `a whole number, ${least} or more`);
    }
    return value as number;
  }

  #wrong(name: string, expected: string): Failure {
    const given = JSON.stringify(this.#message[name]) ?? "missing";
    return new Failure(
      `job ${String(this.#message.job)}: ${name} is ${given}; expected ${expected}`,
    );
  }
}

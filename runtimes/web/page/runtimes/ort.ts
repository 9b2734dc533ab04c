// ONNX Runtime Web: what its two builds (wasm, webgpu) have in common.

import type * as Ort from "onnxruntime-web";

import { Failure, Lost, memoryHint } from "../protocol.ts";
import {
  isDType,
  type Arrays,
  type Data,
  type DType,
  type Tensor,
  type TensorSpec,
} from "../tensors.ts";
import { bring, bringOnce } from "../fetched.ts";
import { whyNoThreads, workersStarted } from "../threads.ts";
import type { RuntimeModule, Session, SessionOptions } from "./runtime.ts";

export type OrtModule = typeof Ort;
type InForce = () => Promise<Record<string, string>>;

/** What browsers say where its own module, which it imports when it starts, does not come. */
const UNFETCHED = /dynamically imported module|importing a module script failed/i;

/** `wasm`: the name of the build's file. */
export function bringOrt(wasm: string): NonNullable<RuntimeModule["bring"]> {
  return async (artifact, { vendor }) => {
    await bringOnce(`${vendor}ort/${wasm}`);
    await bring(artifact);
  };
}

export async function openOrt(
  ort: OrtModule,
  provider: "wasm" | "webgpu",
  artifact: string,
  options: SessionOptions,
  more: InForce = () => Promise.resolve({}),
): Promise<Session> {
  ort.env.wasm.wasmPaths = `${options.vendor}ort/`;
  ort.env.wasm.numThreads = whyNoThreads() ? 1 : options.threads;
  ort.env.logLevel = "error";
  const session = await create(ort, artifact, { executionProviders: [provider] });
  const threads = Math.min(workersStarted() + 1, ort.env.wasm.numThreads);
  return new OrtSession(ort, session, async () => ({
    runtime: `onnxruntime-web ${ort.env.versions.web ?? ort.env.versions.common}`,
    backend: provider,
    threads: String(threads),
    simd: "yes", // its only build
    ...(await more()),
  }));
}

export async function create(
  ort: OrtModule,
  artifact: string,
  options: Ort.InferenceSession.SessionOptions,
): Promise<Ort.InferenceSession> {
  try {
    return await ort.InferenceSession.create(artifact, {
      graphOptimizationLevel: "all",
      ...options,
    });
  } catch (e) {
    throw refused(e);
  }
}

function refused(e: unknown): Error {
  const reason = String(e instanceof Error ? e.message : e).replace(/\s+/g, " ");
  const words = `ONNX Runtime Web: ${reason.slice(0, 300)}`;
  return UNFETCHED.test(reason) ? new Lost(words) : new Failure(words, memoryHint(reason));
}

class OrtSession implements Session {
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
  readonly inForce: InForce;
  readonly #ort: OrtModule;
  readonly #session: Ort.InferenceSession;

  constructor(ort: OrtModule, session: Ort.InferenceSession, inForce: InForce) {
    this.#ort = ort;
    this.#session = session;
    this.inForce = inForce;
    this.inputs = session.inputMetadata.map(spec);
    this.outputs = session.outputMetadata.map(spec);
  }

  async run(feeds: Arrays): Promise<Arrays> {
    try {
      const found = await this.#session.run(this.#tensors(feeds));
      return new Map(Object.entries(found).map(([name, value]) => [name, tensor(value)]));
    } catch (e) {
      throw refused(e);
    }
  }

  timed(feeds: readonly Arrays[]): () => Promise<void> {
    const session = this.#session;
    const tensors = this.#tensors.bind(this);
    return async () => {
      for (const feed of feeds) {
        const found = await session.run(tensors(feed));
        for (const name in found) void (found[name] as Ort.Tensor).data;
      }
    };
  }

  #tensors(feeds: Arrays): Record<string, Ort.Tensor> {
    const made: Record<string, Ort.Tensor> = {};
    for (const [name, t] of feeds) {
      made[name] = new this.#ort.Tensor(t.dtype as "float32", t.data as Float32Array, t.shape);
    }
    return made;
  }

  reset(): Promise<void> {
    return Promise.resolve(); // an ONNX graph takes its state as inputs
  }

  close(): void {
    void this.#session.release();
  }
}

function spec(value: Ort.InferenceSession.ValueMetadata): TensorSpec {
  if (!value.isTensor || !isDType(value.type)) {
    const type = value.isTensor ? value.type : "no tensor";
    throw new Failure(`'${value.name}' is ${type}, which a page does not run`);
  }
  const shape = value.shape.map((size) => (typeof size === "number" ? size : null));
  return { name: value.name, dtype: value.type, shape };
}

function tensor(value: Ort.Tensor): Tensor {
  return { dtype: value.type as DType, shape: value.dims, data: value.data as Data };
}

// LiteRT.js: what its two accelerators have in common.
//
// Its wasm file comes as a plain script that leaves a factory behind; in a worker it looks for its
// neighbours beside the worker's own file unless `self.Module` says otherwise, so the worker is a
// classic one. It takes float32 and int32 at the edge, one signature, and a fixed batch.

import {
  loadAndCompile,
  loadLiteRt,
  Tensor as LiteTensor,
  type CompiledModel,
} from "@litertjs/core";

import { Failure } from "../protocol.ts";
import { isDType, type Arrays, type Data, type Tensor, type TensorSpec } from "../tensors.ts";
import type { Session, SessionOptions } from "./runtime.ts";

const VERSION = "2.5.3";

export async function openLiteRt(
  accelerator: "wasm" | "webgpu",
  artifact: string,
  options: SessionOptions,
  more: Record<string, string> = {},
): Promise<Session> {
  const threaded = options.threads > 1 && globalThis.crossOriginIsolated;
  await start(`${options.vendor}litert/`, threaded);
  const bytes = await read(artifact);
  const compile = () =>
    loadAndCompile(bytes, {
      accelerator,
      cpuOptions: { numThreads: threaded ? options.threads : 1 },
    });
  let model: CompiledModel;
  try {
    model = await compile();
  } catch (e) {
    throw refused(e);
  }
  return new LiteRtSession(model, accelerator, {
    runtime: `@litertjs/core ${VERSION}`,
    backend: accelerator,
    threads: String(threaded ? options.threads : 1),
    ...more,
  });
}

let running: Promise<unknown> | undefined;

function start(folder: string, threads: boolean): Promise<unknown> {
  const file = threads ? "litert_wasm_threaded_internal.js" : "litert_wasm_internal.js";
  (globalThis as { Module?: object }).Module = {
    locateFile: (name: string) => folder + name,
    mainScriptUrlOrBlob: folder + file,
  };
  running ??= loadLiteRt(folder, { threads });
  return running;
}

async function read(url: string): Promise<Uint8Array> {
  const response = await fetch(url);
  if (!response.ok) throw new Failure(`${url}: ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}

function refused(e: unknown): Failure {
  const reason = String(e instanceof Error ? e.message : e)
    .replace(/\s+/g, " ")
    .slice(0, 300);
  const integer = /Element type (\w+) is not supported/.exec(reason)?.[1];
  return integer === undefined
    ? new Failure(`LiteRT.js refuses the model: ${reason}`)
    : new Failure(
        `LiteRT.js takes no ${integer.toLowerCase()} at a model's edge`,
        "convert to int8 (integer inside, float in and out) instead of int8-io",
      );
}

class LiteRtSession implements Session {
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
  readonly #model: CompiledModel;
  readonly #accelerator: "wasm" | "webgpu";
  readonly #inForce: Record<string, string>;

  constructor(
    model: CompiledModel,
    accelerator: "wasm" | "webgpu",
    inForce: Record<string, string>,
  ) {
    this.#model = model;
    this.#accelerator = accelerator;
    this.#inForce = inForce;
    this.inputs = model.getInputDetails().map(spec);
    this.outputs = model.getOutputDetails().map(spec);
  }

  async run(feeds: Arrays): Promise<Arrays> {
    const found = new Map<string, Tensor>();
    const values = await this.#values(feeds);
    this.outputs.forEach(({ name, dtype, shape }, i) => {
      const data = values[i] as Data;
      found.set(name, { dtype, shape: shape as number[], data });
    });
    return found;
  }

  timed(feeds: readonly Arrays[]): () => Promise<void> {
    return async () => {
      for (const feed of feeds) await this.#values(feed);
    };
  }

  async #values(feeds: Arrays): Promise<Data[]> {
    const given = this.inputs.map(({ name, shape }) => {
      const tensor = feeds.get(name) as Tensor;
      return new LiteTensor(tensor.data as Float32Array, shape as number[]);
    });
    const found = await this.#model.run(given);
    const values: Data[] = [];
    for (const tensor of found) {
      const here = this.#accelerator === "webgpu" ? await tensor.moveTo("wasm") : tensor;
      values.push(here.toTypedArray());
      here.delete();
    }
    for (const tensor of given) tensor.delete();
    return values;
  }

  reset(): Promise<void> {
    return Promise.resolve();
  }

  inForce(): Record<string, string> {
    return this.#inForce;
  }

  close(): void {
    this.#model.delete();
  }
}

function spec(details: { name: string; dtype: string; shape: Int32Array }): TensorSpec {
  if (!isDType(details.dtype)) throw new Failure(`${details.name} is ${details.dtype}`);
  const shape = [...details.shape].map((size) => (size < 0 ? null : size));
  return { name: details.name, dtype: details.dtype, shape };
}

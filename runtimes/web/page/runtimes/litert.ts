// LiteRT.js: what its two accelerators have in common.
//
// Its wasm file comes as a plain script that leaves a factory behind; in a worker it looks for its
// neighbours beside the worker's own file unless `self.Module` says otherwise, and that script is
// loaded with importScripts, so the worker is a classic one. It takes a model's first signature,
// and a fixed batch; scales and zero points it does not tell, so the file is asked. It cannot reset a model that keeps a
// state: such a one is found out by asking the same twice, and compiled anew for each item.

import {
  loadAndCompile,
  loadLiteRt,
  Tensor as LiteTensor,
  type CompiledModel,
} from "@litertjs/core";

import { bring as bringFile, bringOnce } from "../fetched.ts";
import { inForceOf, readWebgpu, wasmHas } from "../offers.ts";
import { Failure, memoryHint } from "../protocol.ts";
import { isDType, type Arrays, type Data, type Tensor, type TensorSpec } from "../tensors.ts";
import { whyNoThreads, workersStarted } from "../threads.ts";
import type { Session, SessionOptions } from "./runtime.ts";
import { readEdges, type Affine } from "./tflite_edges.ts";

type Accelerator = "wasm" | "webgpu";

const ON_GPU: ReadonlySet<string> = new Set(["float32", "int32"]); // at a model's edge
type Compile = () => Promise<CompiledModel>;
const ONE_THREAD = "LiteRT.js has no threads without relaxed SIMD, which this browser lacks";

export async function openLiteRt(
  accelerator: Accelerator,
  artifact: string,
  options: SessionOptions,
): Promise<Session> {
  const { relaxed, threads, name } = buildFor(options);
  await start(`${options.vendor}litert/`, `${name}.js`, threads > 1);
  const bytes = await read(artifact);
  const compile = async () => {
    try {
      return await loadAndCompile(bytes, { accelerator, cpuOptions: { numThreads: threads } });
    } catch (e) {
      throw refused(e);
    }
  };
  const model = await compile();
  const started = Math.min(threads, workersStarted() + 1); // those of its pool, and this one
  const simd = relaxed ? { simd: "relaxed" } : { simd: "yes", why_no_threads: ONE_THREAD };
  const inForce = { threads: String(started), ...simd };
  return new LiteRtSession(model, readEdges(bytes), compile, accelerator, inForce);
}

export async function bring(artifact: string, options: SessionOptions): Promise<void> {
  await bringOnce(`${options.vendor}litert/${buildFor(options).name}.wasm`);
  await bringFile(artifact);
}

function buildFor(options: SessionOptions): { relaxed: boolean; threads: number; name: string } {
  const relaxed = wasmHas("relaxed_simd"); // its other build has neither that nor threads
  const threads = relaxed && !whyNoThreads() ? options.threads : 1;
  const kind = !relaxed ? "compat_internal" : threads > 1 ? "threaded_internal" : "internal";
  return { relaxed, threads, name: `litert_wasm_${kind}` };
}

let running: { file: string; promise: Promise<unknown> } | undefined;

/** Once a worker: a second start of another build is refused. */
async function start(folder: string, file: string, threads: boolean): Promise<void> {
  if (running === undefined) {
    (globalThis as { Module?: object }).Module = {
      locateFile: (name: string) => folder + name,
      mainScriptUrlOrBlob: folder + file,
    };
    running = { file, promise: loadLiteRt(folder, { threads }) };
  }
  if (running.file !== file) throw new Failure(`LiteRT.js runs with ${running.file} already`);
  try {
    await running.promise;
  } catch (e) {
    throw new Failure(`LiteRT.js does not start: ${said(e)}`, "take another --runtime");
  }
}

async function read(url: string): Promise<Uint8Array> {
  const response = await fetch(url);
  if (!response.ok) throw new Failure(`${url}: ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}

function said(e: unknown): string {
  return String(e instanceof Error ? e.message : e)
    .replace(/\s+/g, " ")
    .slice(0, 300);
}

function refused(e: unknown): Failure {
  const integer = /Element type (\w+) is not supported/.exec(said(e))?.[1];
  if (integer !== undefined) {
    return new Failure(
      `LiteRT.js takes no ${integer.toLowerCase()} at a model's edge`,
      "float32, int32, int8 and uint8 are taken",
    );
  }
  return new Failure(`LiteRT.js refuses the model: ${said(e)}`, memoryHint(said(e)));
}

class LiteRtSession implements Session {
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
  readonly #compile: Compile;
  readonly #accelerator: Accelerator;
  readonly #more: Record<string, string>;
  #model: CompiledModel;
  #keepsState: boolean | undefined; // undefined: not found out yet
  #last: [Arrays, readonly Data[]] | undefined;

  constructor(
    model: CompiledModel,
    edges: ReadonlyMap<string, Affine>,
    compile: Compile,
    accelerator: Accelerator,
    more: Record<string, string>,
  ) {
    this.#model = model;
    this.#compile = compile;
    this.#accelerator = accelerator;
    this.#more = more;
    const described = (details: Details) => ({ ...spec(details), ...edges.get(details.name) });
    this.inputs = model.getInputDetails().map(described);
    this.outputs = model.getOutputDetails().map(described);
    const free = this.inputs.find(({ shape }) => shape.includes(null));
    if (free !== undefined) {
      throw new Failure(
        `LiteRT.js takes no free dimension: input '${free.name}' is [${free.shape.map((size) => size ?? "?").join(", ")}]`,
        "convert it with --batch 1",
      );
    }
    const integer = [...this.inputs, ...this.outputs].find(({ dtype }) => !ON_GPU.has(dtype));
    if (accelerator === "webgpu" && integer !== undefined) {
      throw new Failure(
        `LiteRT.js on WebGPU takes no ${integer.dtype} at a model's edge: '${integer.name}'`,
        "take litertjs-wasm, or an artifact whose edges are float32",
      );
    }
  }

  async run(feeds: Arrays): Promise<Arrays> {
    let values: readonly Data[];
    try {
      values = await this.#values(feeds);
    } catch (e) {
      throw new Failure(`LiteRT.js: ${said(e)}`, memoryHint(said(e)));
    }
    this.#last = [feeds, values];
    return new Map(
      this.outputs.map(({ name, dtype, shape }, i): [string, Tensor] => [
        name,
        { dtype, shape: shape as number[], data: values[i] as Data },
      ]),
    );
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

  async reset(): Promise<void> {
    if (this.#keepsState === undefined && this.#last !== undefined) {
      const [feeds, first] = this.#last;
      const again = await this.#values(feeds);
      this.#keepsState = first.some((values, i) => differ(values, again[i] as Data));
    }
    if (this.#keepsState) {
      this.#model.delete();
      this.#model = await this.#compile();
    }
  }

  /** A model that is not wholly on the GPU may be compiled for the CPU in silence: look. */
  async inForce(): Promise<Record<string, string>> {
    const inForce = this.#model.options.accelerator;
    if (inForce !== this.#accelerator) {
      throw new Failure(
        `LiteRT.js runs the model on ${inForce}, not on ${this.#accelerator}`,
        "take litertjs-wasm",
      );
    }
    const gpu = this.#accelerator === "webgpu";
    return {
      runtime: `@litertjs/core ${LITERT_VERSION}`,
      backend: inForce,
      ...this.#more,
      ...(gpu ? inForceOf(await readWebgpu()) : {}),
      ...(gpu
        ? { delegate: this.#model.isFullyAccelerated ? "WebGPU" : "WebGPU, partly CPU" }
        : {}),
    };
  }

  close(): void {
    this.#model.delete();
  }
}

function differ(a: Data, b: Data): boolean {
  return a.some((value: number | bigint, i: number) => value !== b[i]);
}

interface Details {
  readonly name: string;
  readonly dtype: string;
  readonly shape: Int32Array;
}

function spec(details: Details): TensorSpec {
  if (!isDType(details.dtype)) throw new Failure(`'${details.name}' is ${details.dtype}`);
  const shape = [...details.shape].map((size) => (size < 0 ? null : size));
  return { name: details.name, dtype: details.dtype, shape };
}

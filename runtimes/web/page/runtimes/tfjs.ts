// TensorFlow.js graph models: what its four backends have in common.

import { loadGraphModel, type GraphModel } from "@tensorflow/tfjs-converter";
import * as tf from "@tensorflow/tfjs-core";

import { bring as bringFile } from "../fetched.ts";
import { Failure, memoryHint } from "../protocol.ts";
import {
  sizeOf,
  type Arrays,
  type Data,
  type DType,
  type Tensor,
  type TensorSpec,
} from "../tensors.ts";
import type { Session } from "./runtime.ts";

export interface Backend {
  readonly name: "cpu" | "wasm" | "webgl" | "webgpu";
  /** Whether outputs can be read without waiting for a promise. */
  readonly readsAtOnce: boolean;
  inForce(): Record<string, string> | Promise<Record<string, string>>;
}

const DTYPES: Record<string, DType> = { DT_FLOAT: "float32", DT_INT32: "int32", DT_BOOL: "bool" };

/** The model and its shards. */
export async function bring(artifact: string): Promise<void> {
  const text = new TextDecoder().decode(await bringFile(artifact));
  const { weightsManifest = [] } = JSON.parse(text) as Weights;
  const paths = weightsManifest.flatMap((group) => group.paths);
  await Promise.all(paths.map((path) => bringFile(new URL(path, artifact).href)));
}

export async function openTfjs(backend: Backend, artifact: string): Promise<Session> {
  await setBackend(backend.name);
  let model: GraphModel;
  try {
    model = await loadGraphModel(artifact, { fetchFunc: fetchWhole });
  } catch (e) {
    throw new Failure(`TensorFlow.js refuses the model: ${said(e)}`, memoryHint(said(e)));
  }
  return new TfjsSession(model, backend);
}

/** TensorFlow.js asks for all shards and reads none before all have answered: with more of them than
 * a browser opens connections (6), and bodies that no cache takes, Chromium waits for ever. */
async function fetchWhole(url: string | URL | Request, options?: RequestInit): Promise<Response> {
  const response = await fetch(url, options);
  const { status, headers } = response;
  return new Response(await response.arrayBuffer(), { status, headers });
}

/** A backend that cannot start gives way to another in silence: look which one is in force. */
async function setBackend(name: string): Promise<void> {
  const set = await tf.setBackend(name);
  await tf.ready();
  if (!set || tf.getBackend() !== name) {
    throw new Failure(
      `the backend ${name} did not start; in force is ${tf.getBackend() || "none"}`,
      "take another --runtime",
    );
  }
}

class TfjsSession implements Session {
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
  readonly #model: GraphModel;
  readonly #backend: Backend;
  readonly #names: string[]; // of the graph's output tensors, in the order of `outputs`
  #later = false; // control flow: the graph runs with executeAsync alone

  constructor(model: GraphModel, backend: Backend) {
    this.#model = model;
    this.#backend = backend;
    const signature = model.modelSignature as Signature | undefined;
    if (!signature?.inputs || !signature.outputs) {
      throw new Failure("the model has no signature", "convert it again");
    }
    this.inputs = Object.entries(signature.inputs).map(spec);
    this.outputs = Object.entries(signature.outputs).map(spec);
    this.#names = Object.values(signature.outputs).map((info) => info.name);
  }

  async run(feeds: Arrays): Promise<Arrays> {
    const found = await this.#execute(feeds);
    const arrays = new Map<string, Tensor>();
    for (const [i, { name }] of this.outputs.entries()) {
      const tensor = found[i] as tf.Tensor;
      arrays.set(name, {
        dtype: tensor.dtype as DType,
        shape: tensor.shape,
        data: (await tensor.data()).slice() as Data,
      });
    }
    tf.dispose(found);
    return arrays;
  }

  timed(feeds: readonly Arrays[]): () => void | Promise<void> {
    if (!this.#later && this.#backend.readsAtOnce) {
      return () => {
        for (const feed of feeds)
          this.#executeAtOnce(feed, (found) => found.map((t) => t.dataSync()));
      };
    }
    return async () => {
      for (const feed of feeds) {
        const found = await this.#execute(feed);
        for (const tensor of found) {
          if (this.#backend.readsAtOnce) tensor.dataSync();
          else await tensor.data();
        }
        tf.dispose(found);
      }
    };
  }

  async #execute(feeds: Arrays): Promise<tf.Tensor[]> {
    if (!this.#later) {
      try {
        return this.#executeAtOnce(feeds, (found) => found.map((t) => tf.keep(t)));
      } catch (e) {
        if (!/executeAsync/.test(said(e))) throw await failed(e);
        this.#later = true;
      }
    }
    const inputs = toTensors(feeds);
    try {
      const found = await this.#model.executeAsync(inputs, this.#names);
      return Array.isArray(found) ? found : [found];
    } catch (e) {
      throw await failed(e);
    } finally {
      tf.dispose(inputs);
    }
  }

  #executeAtOnce<R>(feeds: Arrays, read: (found: tf.Tensor[]) => R): R {
    let result: R | undefined;
    tf.tidy(() => {
      const found = this.#model.execute(toTensors(feeds), this.#names);
      result = read(Array.isArray(found) ? found : [found]);
    });
    return result as R;
  }

  reset(): Promise<void> {
    return Promise.resolve(); // a graph model keeps nothing from one run to the next
  }

  async inForce(): Promise<Record<string, string>> {
    const runtime = `@tensorflow/tfjs ${tf.version_core}`;
    return { runtime, backend: tf.getBackend(), ...(await this.#backend.inForce()) };
  }

  close(): void {
    this.#model.dispose();
  }
}

interface Weights {
  readonly weightsManifest?: readonly { readonly paths: readonly string[] }[];
}

interface Info {
  readonly name: string;
  readonly dtype?: string;
  readonly tensorShape?: { readonly dim?: readonly { readonly size: string | number }[] };
}

interface Signature {
  readonly inputs?: Record<string, Info>;
  readonly outputs?: Record<string, Info>;
}

function spec([name, info]: [string, Info]): TensorSpec {
  const dtype = DTYPES[info.dtype ?? ""];
  if (dtype === undefined) {
    throw new Failure(`${name} is ${info.dtype ?? "of no dtype"}, which a page does not run`);
  }
  const sizes = (info.tensorShape?.dim ?? []).map((dim) => Number(dim.size));
  return { name, dtype, shape: sizes.map((size) => (size < 0 ? null : size)) };
}

function toTensors(feeds: Arrays): Record<string, tf.Tensor> {
  const made: Record<string, tf.Tensor> = {};
  for (const [name, t] of feeds) {
    if (sizeOf(t.shape) !== t.data.length) throw new Failure(`${name}: ${t.data.length} values`);
    made[name] = tf.tensor(t.data as Float32Array, [...t.shape], t.dtype as "float32");
  }
  return made;
}

/** A kernel that is missing is named, with the backends that have it. */
async function failed(e: unknown): Promise<Failure> {
  const op = /Kernel '(\w+)' not registered/.exec(said(e))?.[1];
  if (op === undefined) return new Failure(`TensorFlow.js: ${said(e)}`, memoryHint(said(e)));
  await Promise.all([
    import("@tensorflow/tfjs-backend-cpu"),
    import("@tensorflow/tfjs-backend-wasm"),
    import("@tensorflow/tfjs-backend-webgl"),
    import("@tensorflow/tfjs-backend-webgpu"),
  ]);
  const others = ["cpu", "wasm", "webgl", "webgpu"].filter((name) => tf.getKernel(op, name));
  const which = others.map((name) => `tfjs-${name}`).join(", ");
  return new Failure(
    `the backend ${tf.getBackend()} has no kernel for ${op}`,
    which ? `it runs on ${which}` : "no other backend here has it: convert to another format",
  );
}

function said(e: unknown): string {
  return String(e instanceof Error ? e.message : e)
    .replace(/\s+/g, " ")
    .slice(0, 300);
}

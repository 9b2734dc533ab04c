// The runtime contract of a page, and the table of runtimes.
//
// A runtime is a module with one function, `openSession`, and `whyNot`, which says what is missing
// here. To add one: write the module, add its row, add it to `web/runtimes.py` of the toolkit.

import type { Arrays, TensorSpec } from "../tensors.ts";
import type { Call } from "../timing.ts";

export interface SessionOptions {
  readonly threads: number;
  /** Where the runtimes' own files lie, ending with a slash. */
  readonly vendor: string;
}

export interface Session {
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
  /** Feeds as the file takes them; fresh arrays come back. */
  run(feeds: Arrays): Promise<Arrays>;
  /** A call that takes these feeds in turn: sets each, runs, reads every output. */
  timed(feeds: readonly Arrays[]): Call;
  /** Forget what a stateful model carries from one run to the next. */
  reset(): Promise<void>;
  /** What is really active, not what was asked for. */
  inForce(): Record<string, string>;
  close(): void;
}

export interface RuntimeModule {
  /** A Failure where the runtime refuses the artifact, or is not itself any more. */
  openSession(artifact: string, options: SessionOptions): Promise<Session>;
  /** "" where it can run here; else the reason. */
  whyNot(): Promise<string>;
}

export interface Runtime {
  readonly load: () => Promise<RuntimeModule>;
  /** Whether it uses a GPU, and by which interface. */
  readonly gpu?: "webgl" | "webgpu";
}

export const RUNTIMES: Readonly<Record<string, Runtime>> = {
  "tfjs-cpu": { load: () => import("./tfjs_cpu.ts") },
  "tfjs-wasm": { load: () => import("./tfjs_wasm.ts") },
  "tfjs-webgl": { load: () => import("./tfjs_webgl.ts"), gpu: "webgl" },
  "tfjs-webgpu": { load: () => import("./tfjs_webgpu.ts"), gpu: "webgpu" },
  "ort-web-wasm": { load: () => import("./ort_wasm.ts") },
  "ort-web-webgpu": { load: () => import("./ort_webgpu.ts"), gpu: "webgpu" },
  "litertjs-wasm": { load: () => import("./litert_wasm.ts") },
  "litertjs-webgpu": { load: () => import("./litert_webgpu.ts"), gpu: "webgpu" },
  null: { load: () => import("./null.ts") },
};

// The runtime contract of a page, and the table of runtimes.
//
// A runtime is a module with the function `openSession`, and `bring` where it fetches anything. To
// add one: write the module, add its row here and in the toolkit's `targets/web/runtimes.py`.

import { whyNo, type Need } from "../offers.ts";
import { Failure, Lost } from "../protocol.ts";
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
  /** What is really active, not what was asked for. It may take as long as a load does. */
  inForce(): Promise<Record<string, string>>;
  close(): void;
}

export interface RuntimeModule {
  /** Fetch what `openSession` is going to ask for: the artifact, and the runtime's wasm. */
  readonly bring?: (artifact: string, options: SessionOptions) => Promise<unknown>;
  /** A Failure where the runtime refuses the artifact, or is not itself any more. */
  openSession(artifact: string, options: SessionOptions): Promise<Session>;
}

export interface Runtime {
  readonly load: () => Promise<RuntimeModule>;
  readonly needs?: Need;
}

export const RUNTIMES: Readonly<Record<string, Runtime>> = {
  "tfjs-cpu": { load: () => import("./tfjs_cpu.ts") },
  "tfjs-wasm": { load: () => import("./tfjs_wasm.ts"), needs: "wasm" },
  "tfjs-webgl": { load: () => import("./tfjs_webgl.ts"), needs: "webgl" },
  "tfjs-webgpu": { load: () => import("./tfjs_webgpu.ts"), needs: "webgpu" },
  "ort-web-wasm": { load: () => import("./ort_wasm.ts"), needs: "wasm" },
  "ort-web-webgpu": { load: () => import("./ort_webgpu.ts"), needs: "webgpu" },
  "litertjs-wasm": { load: () => import("./litert_wasm.ts"), needs: "wasm" },
  "litertjs-webgpu": { load: () => import("./litert_webgpu.ts"), needs: "webgpu" },
  null: { load: () => import("./null.ts") },
};

/** Fetch the named runtime and nothing else; a Failure where this browser can't run it, `Lost`
 * where it did not come. */
export async function loadRuntime(name: string): Promise<RuntimeModule> {
  const row = RUNTIMES[name];
  if (row === undefined) {
    throw new Failure(`no runtime named '${name}'; known: ${Object.keys(RUNTIMES).join(", ")}`);
  }
  const reason = await whyNo(row.needs);
  if (reason) throw new Failure(`${name} does not run here: ${reason}`, "take another --runtime");
  try {
    return await row.load();
  } catch (e) {
    throw new Lost(`${name} was not fetched: ${String(e)}`);
  }
}

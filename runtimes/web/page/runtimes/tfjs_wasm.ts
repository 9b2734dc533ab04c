// TensorFlow.js on WebAssembly (XNNPACK).
//
// Its threads are the least of what is asked, half the cores and 4. Where that is one, the build
// without threads is taken: the other makes eight workers whatever it uses, and Firefox was seen
// to wait for them for ever, once in six.

import { getThreadsCount, setThreadsCount, setWasmPaths } from "@tensorflow/tfjs-backend-wasm";
import { env } from "@tensorflow/tfjs-core";

import { bringOnce } from "../fetched.ts";
import { whyNoThreads } from "../threads.ts";
import type { RuntimeModule, SessionOptions } from "./runtime.ts";
import { bring as bringModel, openTfjs } from "./tfjs.ts";

const MOST_THREADS = 4;

export async function bring(artifact: string, options: SessionOptions): Promise<void> {
  const { threads, simd } = await buildFor(options);
  const kind = !simd ? "" : threads > 1 ? "-threaded-simd" : "-simd";
  await bringOnce(`${options.vendor}tfjs/tfjs-backend-wasm${kind}.wasm`);
  await bringModel(artifact);
}

async function buildFor(options: SessionOptions): Promise<{ threads: number; simd: boolean }> {
  const own = Math.min(Math.floor(navigator.hardwareConcurrency / 2), MOST_THREADS);
  const threads = whyNoThreads() ? 1 : Math.max(1, Math.min(options.threads, own));
  return { threads, simd: Boolean(await env().getAsync("WASM_HAS_SIMD_SUPPORT")) };
}

export const openSession: RuntimeModule["openSession"] = async (artifact, options) => {
  const cores = navigator.hardwareConcurrency;
  const { threads, simd } = await buildFor(options);
  env().set("WASM_HAS_MULTITHREAD_SUPPORT", simd && threads > 1);
  setWasmPaths(`${options.vendor}tfjs/`);
  setThreadsCount(threads);
  const fewer = threads < options.threads && !whyNoThreads();
  const inForce = () => ({
    threads: String(simd && threads > 1 ? getThreadsCount() : 1),
    simd: simd ? "yes" : "no",
    ...(fewer
      ? {
          why_no_threads: `TensorFlow.js takes half of the ${cores} cores, ${MOST_THREADS} at most`,
        }
      : {}),
  });
  return openTfjs({ name: "wasm", readsAtOnce: true, inForce }, artifact);
};

// TensorFlow.js on WebAssembly (XNNPACK).
//
// Threads: XNNPACK takes the least of what is asked, half the cores and 4, and none without
// isolation; eight workers are made whatever it takes, so the count comes from the library.

import { getThreadsCount, setThreadsCount, setWasmPaths } from "@tensorflow/tfjs-backend-wasm";
import { env } from "@tensorflow/tfjs-core";

import type { RuntimeModule } from "./runtime.ts";
import { openTfjs } from "./tfjs.ts";

export const openSession: RuntimeModule["openSession"] = async (artifact, options) => {
  setWasmPaths(`${options.vendor}tfjs/`);
  setThreadsCount(options.threads);
  const simd = await env().getAsync("WASM_HAS_SIMD_SUPPORT");
  const threaded = simd && (await env().getAsync("WASM_HAS_MULTITHREAD_SUPPORT"));
  return openTfjs(
    {
      name: "wasm",
      readsAtOnce: true,
      inForce: () => ({
        threads: String(threaded ? getThreadsCount() : 1),
        simd: simd ? "yes" : "no",
      }),
    },
    artifact,
  );
};

export const whyNot: RuntimeModule["whyNot"] = () => Promise.resolve("");

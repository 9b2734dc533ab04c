// The `probe` job: what this browser offers, and which runtimes can run in it.

import { openClock } from "../clock.ts";
import { readWebgl, readWebgpu, wasmHas, whyNo, type Gpu } from "../offers.ts";
import type { Plain } from "../protocol.ts";
import { RUNTIMES } from "../runtimes/runtime.ts";
import type { Context } from "./context.ts";

export async function runProbe(context: Context): Promise<void> {
  const runtimes: Record<string, string> = {};
  for (const [name, { needs }] of Object.entries(RUNTIMES)) runtimes[name] = await whyNo(needs);
  const values = {
    ...(await context.facts()),
    user_agent: navigator.userAgent,
    cores: navigator.hardwareConcurrency,
    isolated: globalThis.crossOriginIsolated,
    secure: globalThis.isSecureContext,
    shared_memory: typeof SharedArrayBuffer !== "undefined",
    timer_step_ns: openClock().stepNs,
    wasm: "WebAssembly" in globalThis,
    wasm_simd: wasmHas("simd"),
    wasm_relaxed_simd: wasmHas("relaxed_simd"),
    wasm_threads: wasmHas("threads"),
    ...shown("webgl", readWebgl()),
    ...shown("webgpu", await readWebgpu()),
    runtimes,
  };
  context.row({ row: "probe", values });
}

/** The name of the GPU, or null and the reason. */
function shown(interface_: string, found: Gpu | string): Record<string, Plain> {
  return typeof found === "string"
    ? { [interface_]: null, [`${interface_}_why`]: found }
    : { [interface_]: found.name, [`${interface_}_software`]: found.software };
}

// ONNX Runtime Web on WebGPU: a build of its own, which also has all CPU kernels.
//
// What has no WebGPU kernel runs on the CPU, and nothing is said but in a verbose log: so a second
// session is made only to read there which node lies where. Not the one that is timed: a session
// that is verbose stays so.

import * as ort from "onnxruntime-web/webgpu";

import { inForceOf, readWebgpu } from "../offers.ts";
import { Failure } from "../protocol.ts";
import { bringOrt, create, openOrt, type OrtModule } from "./ort.ts";
import type { RuntimeModule } from "./runtime.ts";

const ORT = ort as unknown as OrtModule;
const PROVIDER = "webgpu";

export const bring = bringOrt("ort-wasm-simd-threaded.asyncify.wasm");

export const openSession: RuntimeModule["openSession"] = (artifact, options) => {
  tapConsole();
  let found: Promise<string> | undefined; // asked for again, the file may be gone
  return openOrt(ORT, PROVIDER, artifact, options, async () => ({
    ...inForceOf(await readWebgpu()),
    delegate: await (found ??= placed(artifact)),
  }));
};

/** `WebGPU (12 of 14 nodes)`; a Failure where there is none on WebGPU. */
async function placed(artifact: string): Promise<string> {
  const counts = new Map<string, number>();
  hear = (line) => {
    const found = /placed on \[(\w+)\]\. Number of nodes: (\d+)/.exec(line);
    if (found) counts.set(found[1] as string, Number(found[2]));
  };
  try {
    const options = { executionProviders: [PROVIDER], logSeverityLevel: 0 as const };
    await (await create(ORT, artifact, options)).release();
  } finally {
    hear = undefined;
  }
  if (counts.size === 0) return "WebGPU (its nodes are not told)";
  const here = counts.get("WebGpuExecutionProvider") ?? 0;
  const all = [...counts.values()].reduce((sum, count) => sum + count, 0);
  if (here === 0) {
    throw new Failure(
      `all ${all} nodes run on the CPU: none has a WebGPU kernel`,
      "take ort-web-wasm",
    );
  }
  return `WebGPU (${here} of ${all} nodes)`;
}

const METHODS = ["debug", "log", "info", "warn", "error"] as const;
let hear: ((line: string) => void) | undefined;
let tapped = false;

/** Before the runtime starts: it keeps the console's functions as they are then. */
function tapConsole(): void {
  if (tapped) return;
  tapped = true;
  for (const name of METHODS) {
    const print = console[name].bind(console);
    console[name] = (...words: unknown[]) => (hear ? hear(words.join(" ")) : print(...words));
  }
}

// TensorFlow.js on WebGPU.

import "@tensorflow/tfjs-backend-webgpu";

import { inForceOf, readWebgpu, whyNoWebgpu } from "../gpu.ts";
import type { RuntimeModule } from "./runtime.ts";
import { openTfjs } from "./tfjs.ts";

export const openSession: RuntimeModule["openSession"] = async (artifact) => {
  const gpu = await readWebgpu();
  const inForce = typeof gpu === "string" ? {} : inForceOf(gpu);
  return openTfjs({ name: "webgpu", readsAtOnce: false, inForce: () => inForce }, artifact);
};

export const whyNot: RuntimeModule["whyNot"] = whyNoWebgpu;

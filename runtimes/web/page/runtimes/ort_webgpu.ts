// ONNX Runtime Web on WebGPU: a build of its own, which also has all CPU kernels.

import * as ort from "onnxruntime-web/webgpu";

import { inForceOf, readWebgpu, whyNoWebgpu } from "../gpu.ts";
import { openOrt, type OrtModule } from "./ort.ts";
import type { RuntimeModule } from "./runtime.ts";

export const openSession: RuntimeModule["openSession"] = async (artifact, options) => {
  const gpu = await readWebgpu();
  const more = typeof gpu === "string" ? {} : inForceOf(gpu);
  return openOrt(ort as unknown as OrtModule, "webgpu", artifact, options, more);
};

export const whyNot: RuntimeModule["whyNot"] = whyNoWebgpu;

// LiteRT.js on WebGPU.

import { inForceOf, readWebgpu, whyNoWebgpu } from "../gpu.ts";
import { openLiteRt } from "./litert.ts";
import type { RuntimeModule } from "./runtime.ts";

export const openSession: RuntimeModule["openSession"] = async (artifact, options) => {
  const gpu = await readWebgpu();
  const more = typeof gpu === "string" ? {} : inForceOf(gpu);
  return openLiteRt("webgpu", artifact, options, more);
};

export const whyNot: RuntimeModule["whyNot"] = whyNoWebgpu;

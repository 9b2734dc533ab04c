// LiteRT.js on WebGPU.

import { openLiteRt } from "./litert.ts";
import type { RuntimeModule } from "./runtime.ts";

export { bring } from "./litert.ts";

export const openSession: RuntimeModule["openSession"] = (artifact, options) =>
  openLiteRt("webgpu", artifact, options);

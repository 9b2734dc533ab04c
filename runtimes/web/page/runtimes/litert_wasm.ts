// LiteRT.js on the CPU (XNNPACK).

import { openLiteRt } from "./litert.ts";
import type { RuntimeModule } from "./runtime.ts";

export const openSession: RuntimeModule["openSession"] = (artifact, options) =>
  openLiteRt("wasm", artifact, options);

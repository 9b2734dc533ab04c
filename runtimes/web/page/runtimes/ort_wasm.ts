// ONNX Runtime Web on the CPU.

import * as ort from "onnxruntime-web/wasm";

import { bringOrt, openOrt, type OrtModule } from "./ort.ts";
import type { RuntimeModule } from "./runtime.ts";

export const bring = bringOrt("ort-wasm-simd-threaded.wasm");

export const openSession: RuntimeModule["openSession"] = (artifact, options) =>
  openOrt(ort as unknown as OrtModule, "wasm", artifact, options);

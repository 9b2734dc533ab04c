// TensorFlow.js on WebGL. Where textures hold half floats only (some phones), it says so.

import type { MathBackendWebGL } from "@tensorflow/tfjs-backend-webgl";
import "@tensorflow/tfjs-backend-webgl";
import { backend, env } from "@tensorflow/tfjs-core";

import { inForceOf, rendererOf } from "../offers.ts";
import type { RuntimeModule } from "./runtime.ts";
import { openTfjs } from "./tfjs.ts";

function inForce(): Record<string, string> {
  return {
    ...inForceOf(rendererOf((backend() as MathBackendWebGL).gpgpu.gl)),
    precision: env().getBool("WEBGL_RENDER_FLOAT32_ENABLED") ? "float32" : "float16",
    webgl: String(env().getNumber("WEBGL_VERSION")),
  };
}

export { bring } from "./tfjs.ts";

export const openSession: RuntimeModule["openSession"] = (artifact) =>
  openTfjs({ name: "webgl", readsAtOnce: true, inForce }, artifact);

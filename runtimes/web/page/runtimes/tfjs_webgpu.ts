// TensorFlow.js on WebGPU.

import "@tensorflow/tfjs-backend-webgpu";

import { inForceOf, readWebgpu } from "../offers.ts";
import type { RuntimeModule } from "./runtime.ts";
import { openTfjs } from "./tfjs.ts";

const inForce = async () => inForceOf(await readWebgpu());

export { bring } from "./tfjs.ts";

export const openSession: RuntimeModule["openSession"] = (artifact) =>
  openTfjs({ name: "webgpu", readsAtOnce: false, inForce }, artifact);

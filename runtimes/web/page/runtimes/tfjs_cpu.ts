// TensorFlow.js in plain JavaScript: slow, and the measure of the others.

import "@tensorflow/tfjs-backend-cpu";

import type { RuntimeModule } from "./runtime.ts";
import { openTfjs } from "./tfjs.ts";

const inForce = () => ({ threads: "1", why_no_threads: "plain JavaScript has one thread" });

export { bring } from "./tfjs.ts";

export const openSession: RuntimeModule["openSession"] = (artifact) =>
  openTfjs({ name: "cpu", readsAtOnce: true, inForce }, artifact);

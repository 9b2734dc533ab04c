// Runs TF.js graph models from disk on the cpu or the wasm backend, and writes what comes out.
//
// node run_graph_model.mjs BACKEND JOBS.json
// JOBS.json: [{"model": folder, "feeds": {name: {dtype, shape, file}}, "out": folder}, ...]
// Tensors are raw little-endian files (float32, int32, or one byte per bool). Each job leaves
// out/result.json: {"outputs": {name: {dtype, shape, file}}, "kernels": [name, ...]}, or
// {"error": message}.

import { readFileSync, writeFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import * as tf from "@tensorflow/tfjs";
import "@tensorflow/tfjs-backend-wasm";

function loadHandler(folder) {
  return {
    load: async () => {
      const model = JSON.parse(readFileSync(join(folder, "model.json"), "utf8"));
      const shards = model.weightsManifest.flatMap((group) =>
        group.paths.map((path) => readFileSync(join(folder, path))),
      );
      const bytes = Buffer.concat(shards);
      return {
        ...model,
        weightSpecs: model.weightsManifest.flatMap((group) => group.weights),
        weightData: bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength),
      };
    },
  };
}

const arrays = { float32: Float32Array, int32: Int32Array, bool: Uint8Array };

function readTensor({ dtype, shape, file }) {
  const bytes = readFileSync(file);
  const buffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
  return tf.tensor(new arrays[dtype](buffer), shape, dtype);
}

async function run({ model: folder, feeds, out }) {
  const model = await tf.loadGraphModel(loadHandler(folder));
  const tensors = Object.fromEntries(
    Object.entries(feeds).map(([name, feed]) => [name, readTensor(feed)]),
  );
  const names = Object.keys(model.modelSignature.outputs);
  const wanted = names.map((name) => model.modelSignature.outputs[name].name);
  const got = await model.executeAsync(tensors, wanted);
  const list = Array.isArray(got) ? got : [got];
  // once it is known to run: an error under the profiler ends the process
  const { kernelNames } = await tf.profile(() => model.executeAsync(tensors, wanted));
  const outputs = {};
  for (const [i, tensor] of list.entries()) {
    const file = join(out, `${i}.bin`);
    // the cpu backend casts an int32 tensor to float32 by its name only
    const data = arrays[tensor.dtype].from(await tensor.data());
    writeFileSync(file, Buffer.from(data.buffer, data.byteOffset, data.byteLength));
    outputs[names[i]] = { dtype: tensor.dtype, shape: tensor.shape, file };
  }
  // a custom gradient's scope is listed among them, by the name of its op
  return { outputs, kernels: kernelNames.filter((name) => !name.endsWith("__op")) };
}

const [backend, jobs] = process.argv.slice(2);
await tf.setBackend(backend);
if (tf.getBackend() !== backend) throw new Error(`${backend} became ${tf.getBackend()}`);
for (const job of JSON.parse(readFileSync(jobs, "utf8"))) {
  mkdirSync(job.out, { recursive: true });
  let result;
  try {
    result = await run(job);
  } catch (error) {
    result = { error: String(error?.message ?? error) };
  }
  writeFileSync(join(job.out, "result.json"), JSON.stringify(result));
}

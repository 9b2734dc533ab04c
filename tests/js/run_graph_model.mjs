// Runs TF.js graph models from disk on the cpu backend, and writes what comes out.
//
// node run_graph_model.mjs JOBS.json
// JOBS.json: [{"model": folder, "feeds": {name: {dtype, shape, file}}, "out": folder}, ...]
// Tensors are raw little-endian files (float32, int32, or one byte per bool). Each job leaves
// out/result.json: {"outputs": {name: {dtype, shape, file}}}, or {"error": message}.

import { readFileSync, writeFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import * as tf from "@tensorflow/tfjs";

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
  const outputs = {};
  for (const [i, tensor] of list.entries()) {
    const file = join(out, `${i}.bin`);
    const data = await tensor.data();
    writeFileSync(file, Buffer.from(data.buffer, data.byteOffset, data.byteLength));
    outputs[names[i]] = { dtype: tensor.dtype, shape: tensor.shape, file };
  }
  return { outputs };
}

await tf.setBackend("cpu");
for (const job of JSON.parse(readFileSync(process.argv[2], "utf8"))) {
  mkdirSync(job.out, { recursive: true });
  let result;
  try {
    result = await run(job);
  } catch (error) {
    result = { error: String(error?.message ?? error) };
  }
  writeFileSync(join(job.out, "result.json"), JSON.stringify(result));
}

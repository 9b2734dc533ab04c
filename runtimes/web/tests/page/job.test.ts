import { expect, test } from "vitest";

import { readJob } from "../../page/jobs/job.ts";
import { StalePage } from "../../page/protocol.ts";

const BENCH = {
  protocol: 1,
  id: "3",
  job: "bench",
  artifact: "file/3/artifact/model.onnx",
  runtime: "ort-web-wasm",
  threads: 2,
  seconds: 1.25,
  samples: 17,
  samples_file: "out/3/samples",
};

test("a bench job, with what it leaves out", () => {
  expect(readJob(BENCH)).toEqual({
    job: "bench",
    artifact: "file/3/artifact/model.onnx",
    artifactKey: "",
    runtime: "ort-web-wasm",
    threads: 2,
    feeds: "",
    seconds: 1.25,
    samples: 17,
    maxSamples: 20_000,
    seed: 0,
    sensorSeconds: 0,
    samplesFile: "out/3/samples",
  });
});

test("the other jobs", () => {
  const loaded = { artifact: "a", runtime: "null", threads: 1 };
  const files = { inputs: "i", outputs: "o" };
  expect(readJob({ job: "predict", ...loaded, ...files })).toMatchObject(files);
  expect(readJob({ job: "probe" })).toEqual({ job: "probe" });
});

test.each([
  [{ artifact: undefined }, "artifact is missing; expected a string"],
  [{ artifact: 5 }, "artifact is 5; expected a string"],
  [{ threads: 0 }, "threads is 0; expected a whole number, 1 or more"],
  [{ threads: 1.5 }, "threads is 1.5"],
  [{ threads: "2" }, 'threads is "2"'],
  [{ seconds: -1 }, "seconds is -1; expected a number, 0 or more"],
  [{ seconds: "NaN" }, 'seconds is "NaN"'],
  [{ samples: null }, "samples is null"],
  [{ job: "tune" }, "no job named 'tune'; known: bench, predict, probe"],
])("%j is refused", (change, words) => {
  expect(() => readJob({ ...BENCH, ...change })).toThrow(words);
});

test("another version of the protocol is another page's", () => {
  expect(() => readJob({ ...BENCH, protocol: 2 })).toThrow(StalePage);
});

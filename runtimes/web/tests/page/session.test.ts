import { expect, test } from "vitest";

import { Sessions } from "../../page/jobs/session.ts";
import { openClock } from "../../page/clock.ts";

const CONTEXT = {
  base: "http://127.0.0.1/t/",
  stage: "load" as const,
  stopping: () => false,
  row: () => undefined,
  facts: () => Promise.resolve({}),
};
const CLOCK = openClock();
const JOB = { artifact: "file/1/artifact/model.onnx", runtime: "null", threads: 1 };

test("a session is kept for the same artifact alone, wherever that lies", async () => {
  const sessions = new Sessions();
  const open = (artifactKey: string, artifact = JOB.artifact) =>
    sessions.open({ ...JOB, artifact, artifactKey }, CONTEXT, CLOCK);
  const [first] = await open("a");
  expect(await open("a", "file/2/artifact/model.onnx")).toEqual([first, 0]);
  const [other, took] = await open("b");
  expect(other).not.toBe(first);
  expect(took).toBeGreaterThan(0);
  expect((await open("a"))[0]).not.toBe(first);
});

test("an artifact without a key is loaded each time", async () => {
  const sessions = new Sessions();
  const open = () => sessions.open({ ...JOB, artifactKey: "" }, CONTEXT, CLOCK);
  expect((await open())[0]).not.toBe((await open())[0]);
});

import { expect, test, vi } from "vitest";

import { Sessions, withReason } from "../../page/jobs/session.ts";
import { openClock } from "../../page/clock.ts";

const CONTEXT = {
  base: "http://127.0.0.1/t/",
  stage: "load" as const,
  stopping: () => false,
  row: () => undefined,
  lost: () => undefined,
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

test("fewer threads than asked for have a reason, as many as asked for have none", () => {
  const own = { threads: "1", simd: "yes", why_no_threads: "its build has none" };
  const silent = { threads: "1", simd: "yes" };
  const asked = { ...silent, threads_asked: "4" };
  expect(withReason(own, 1)).toEqual(silent);
  expect(withReason({ backend: "webgl" }, 4)).toEqual({ backend: "webgl" }); // it has no threads
  expect(withReason(own, 4)).toEqual({ ...asked, why_no_threads: "its build has none" });
  const page = "the page is not isolated";
  expect(withReason(silent, 4)).toEqual({ ...asked, why_no_threads: page });
  vi.stubGlobal("crossOriginIsolated", true);
  const none = "the runtime started no more";
  expect(withReason(silent, 4)).toEqual({ ...asked, why_no_threads: none });
  vi.unstubAllGlobals();
});

import { beforeEach, expect, test, vi } from "vitest";

import type { Link } from "../../page/link.ts";
import type { FromWorker, ToWorker } from "../../page/messages.ts";
import type { Row } from "../../page/protocol.ts";
import { Runner } from "../../page/runner.ts";
import type { View } from "../../page/view.ts";

/** What a browser's worker is to the page: messages in, messages out, an end. */
class FakeWorker {
  static made: FakeWorker[] = [];
  onmessage: (event: { data: FromWorker }) => void = () => undefined;
  onerror: (event: { message: string }) => void = () => undefined;
  readonly got: ToWorker[] = [];
  ended = false;

  constructor() {
    FakeWorker.made.push(this);
  }

  postMessage(message: ToWorker): void {
    this.got.push(message);
  }

  terminate(): void {
    this.ended = true;
  }

  says(row: Row): void {
    this.onmessage({ data: { kind: "row", row } });
  }

  /** A module of its own did not come. */
  loses(error: string): void {
    this.onmessage({ data: { kind: "lost", error } });
  }
}

const sent: Row[] = [];
const link = {
  sender: () => ({ add: (row: Row) => sent.push(row), arrived: () => Promise.resolve() }),
  seen: () => Promise.resolve(),
} as unknown as Link;
const quiet = () => undefined;
const view = { begins: quiet, shows: quiet, ends: quiet } as unknown as View;
const PREDICT = { job: "predict", runtime: "ort-web-wasm" };

let runner: Runner;

beforeEach(() => {
  FakeWorker.made = [];
  sent.length = 0;
  vi.stubGlobal("Worker", FakeWorker);
  runner = new Runner({ base: "http://127.0.0.1/t/", onMain: false, link, view });
});

test("chunks of one runtime share a worker", async () => {
  for (const id of ["1", "2"]) {
    await runner.begin({ ...PREDICT, id });
    FakeWorker.made[0]?.says({ row: "done" });
  }
  expect(FakeWorker.made).toHaveLength(1);
  expect(FakeWorker.made[0]?.got).toHaveLength(2);
});

test.each([
  ["another runtime", { ...PREDICT, runtime: "litertjs-wasm" }],
  ["what is timed", { job: "bench", runtime: "ort-web-wasm" }],
])("%s has a worker of its own", async (_, message) => {
  await runner.begin({ ...PREDICT, id: "1" });
  FakeWorker.made[0]?.says({ row: "done" });
  await runner.begin({ ...message, id: "2" });
  FakeWorker.made[1]?.says({ row: "done" });
  expect(FakeWorker.made.map(({ ended }) => ended)).toEqual([true, false]);
});

test("a worker whose job failed gets no other one", async () => {
  await runner.begin({ ...PREDICT, id: "1" });
  FakeWorker.made[0]?.says({ row: "failure", stage: "run", error: "out of memory", hint: "" });
  expect(FakeWorker.made[0]?.ended).toBe(true);
  await runner.begin({ ...PREDICT, id: "2" });
  expect(FakeWorker.made).toHaveLength(2);
  FakeWorker.made[1]?.says({ row: "done" });
  expect(sent.map(({ row }) => row)).toEqual(["failure", "done"]);
});

test("a worker that dies is a failure at its stage", async () => {
  await runner.begin({ ...PREDICT, id: "1" });
  FakeWorker.made[0]?.says({ row: "loaded" });
  FakeWorker.made[0]?.onerror({ message: "serve.js could not be fetched" });
  expect(sent.at(-1)).toMatchObject({
    row: "failure",
    stage: "run",
    error: "serve.js could not be fetched",
  });
  expect(FakeWorker.made[0]?.ended).toBe(true);
});

test("a worker that can't be made is a failure", async () => {
  vi.stubGlobal("Worker", function refuses() {
    throw new Error("no more workers");
  });
  await runner.begin({ ...PREDICT, id: "1" });
  expect(sent).toMatchObject([{ row: "failure", stage: "load", error: "Error: no more workers" }]);
});

const settled = () => new Promise((resolve) => setTimeout(resolve));

test("a module that does not come is asked for by another worker, and the job goes on", async () => {
  await runner.begin({ ...PREDICT, id: "1" });
  FakeWorker.made[0]?.loses("error loading dynamically imported module");
  await settled();
  FakeWorker.made[1]?.onerror({ message: "" }); // its own file did not come
  await settled();
  expect(FakeWorker.made.map(({ ended }) => ended)).toEqual([true, true, false]);
  expect(FakeWorker.made[2]?.got).toMatchObject([{ kind: "job", message: { id: "1" } }]);
  FakeWorker.made[2]?.says({ row: "done" });
  expect(sent).toEqual([{ row: "done" }]);
});

test("one that never comes is a failure after three workers", async () => {
  await runner.begin({ ...PREDICT, id: "1" });
  for (const number of [0, 1, 2]) {
    FakeWorker.made[number]?.loses("error loading dynamically imported module");
    await settled();
  }
  expect(FakeWorker.made.map(({ ended }) => ended)).toEqual([true, true, true]);
  const error = "error loading dynamically imported module";
  expect(sent).toMatchObject([{ row: "failure", stage: "load", error }]);
});

test("a stop between two workers reaches the second", async () => {
  await runner.begin({ ...PREDICT, id: "1" });
  const stopped = runner.stop();
  FakeWorker.made[0]?.loses("error loading dynamically imported module");
  await settled();
  expect(FakeWorker.made[1]?.got).toMatchObject([{ kind: "job" }, { kind: "stop" }]);
  FakeWorker.made[1]?.says({ row: "done" });
  await stopped;
});

import { expect, test, vi } from "vitest";

import { runJob } from "../../page/jobs/run.ts";
import { Sessions } from "../../page/jobs/session.ts";
import type { Row } from "../../page/protocol.ts";
import { RUNTIMES } from "../../page/runtimes/runtime.ts";

test("a runtime that does not come is lost, which no row says", async () => {
  vi.spyOn(RUNTIMES["null"]!, "load").mockRejectedValue(new TypeError("importing failed"));
  const rows: Row[] = [];
  const lost: string[] = [];
  const job = { job: "predict", artifact: "a", runtime: "null", threads: 1, inputs: "i" };
  await runJob({ ...job, outputs: "o" }, new Sessions(), {
    base: "http://127.0.0.1/t/",
    stage: "load",
    stopping: () => false,
    row: (row) => void rows.push(row),
    lost: (error) => void lost.push(error),
    facts: () => Promise.resolve({}),
  });
  expect(rows).toEqual([]);
  expect(lost).toEqual(["null was not fetched: TypeError: importing failed"]);
});

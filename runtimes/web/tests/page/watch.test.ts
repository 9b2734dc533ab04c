import { expect, test } from "vitest";

import { watch } from "../../page/jobs/watch.ts";
import type { Row } from "../../page/protocol.ts";

/** The rows of a beat every two seconds of a round that takes ten. */
function beats(sensorSeconds: number): Row[] {
  const rows: Row[] = [];
  let now = 5e9;
  const context = { row: (row: Row) => void rows.push(row), stopping: () => false };
  const { onBeat } = watch({ sensorSeconds }, context, { now: () => now });
  for (let second = 2; second <= 10; second += 2) {
    now = 5e9 + second * 1e9;
    onBeat(second / 10);
  }
  return rows;
}

test("every beat says how far it is", () => {
  expect(beats(0)).toEqual(
    [0.2, 0.4, 0.6, 0.8, 1].map((done) => ({ row: "progress", done, of: 1 })),
  );
});

test("a sustained round has a reading as often as it was asked, by its time", () => {
  const readings = beats(4).filter(({ row }) => row === "environment");
  const reading = (seconds: number) => ({
    row: "environment",
    when: "during",
    values: { seconds },
  });
  expect(readings).toEqual([reading(4), reading(8)]);
  expect(beats(4).filter(({ row }) => row === "progress")).toHaveLength(5);
});

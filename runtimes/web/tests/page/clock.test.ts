import { expect, test } from "vitest";

import { clockStepNs } from "../../page/clock.ts";

test.each([0.005, 0.02, 0.1, 1])("a clock of %d ms steps", (stepMs) => {
  let ms = 0;
  const read = () => Math.floor((ms += 0.0011) / stepMs) * stepMs;
  expect(clockStepNs(read)).toBe(stepMs * 1e6);
});

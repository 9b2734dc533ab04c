import { expect, test } from "vitest";

import { toNumber } from "../../export/form_input.ts";

test.each([
  ["1.5", 1.5],
  [" 1,5 ", 1.5],
  ["0,125", 0.125],
  ["1,2345", 1.2345],
  ["-1e3", -1000],
  ["1.234", 1.234],
])("%s is a number", (typed, value) => {
  expect(toNumber(typed, "number")).toBe(value);
});

test.each([
  ["1,234", "1.234 or 1234? Write it without the comma"],
  ["-12,000", "-12.000 or -12000? Write it without the comma"],
  ["1,234,567", "this is not a number"],
  ["one", "this is not a number"],
  ["Infinity", "this is not a number"],
  [" ", "a number is missing"],
])("%s is not", (typed, problem) => {
  expect(toNumber(typed, "number")).toBe(problem);
});

test("a whole number is one that the model gets as it was typed", () => {
  expect(toNumber("16777216", "integer")).toBe(16_777_216);
  expect(toNumber("16777217", "integer")).toBe("at most 16777216, please");
  expect(toNumber("1.5", "integer")).toBe("a whole number, please");
});

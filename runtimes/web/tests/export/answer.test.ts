import { expect, test } from "vitest";

import { answers, shown } from "../../export/answer.ts";

const one = (values: number[], labels: string[] = [], shape = [values.length]) =>
  answers([{ name: "y", shape, values }], labels)[0]!;

test("a distribution is ranked, with its labels", () => {
  const got = one([0.2, 0.7, 0.1], ["cat", "dog", "fox"]);
  expect(got.best).toBe("dog, 70.0 %");
  expect(got.lines.map((line) => line.name)).toEqual(["dog", "cat", "fox"]);
  expect(got.lines[0]!.share).toBe(0.7);
});

test("five lines at most, and the rest is counted", () => {
  const got = one(Array(8).fill(1 / 8));
  expect([got.lines.length, got.more]).toEqual([5, 3]);
  expect(got.best).toBe("class 0, 12.5 %");
});

test("scores that are no shares get no bars", () => {
  const got = one([-1.5, 3.25], ["a", "b"]);
  expect(got.best).toBe("b, score 3.25");
  expect(got.lines[0]!.share).toBeNull();
});

test("one share and two labels: the second is what it is a share of", () => {
  expect(one([0.9], ["benign", "malignant"]).best).toBe("malignant, 90.0 %");
  expect(one([0.2], ["benign", "malignant"]).best).toBe("benign, 80.0 %");
});

test("a number is a number", () => {
  expect(one([152.13348]).best).toBe("y: 152.1");
  expect(one([1, 2, 3], [], [1, 3]).best).toBe("3 values");
});

test("several outputs are told apart", () => {
  const two = answers(
    [
      { name: "age", shape: [1], values: [31] },
      { name: "kind", shape: [2], values: [0.5, 0.5] },
    ],
    [],
  );
  expect(two.map((answer) => answer.best)).toEqual(["age: 31", "kind: class 0, 50.0 %"]);
});

test("numbers are short", () => {
  expect([shown(0.000123456), shown(1234.567)]).toEqual(["0.0001235", "1235"]);
});

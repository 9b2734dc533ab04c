// The self-test on the page: passed n of n, the largest difference, and each item for who asks.

import { byId, element } from "./elements.ts";
import type { TestResult } from "./self_test.ts";
import type { GoldenSettings } from "./settings.ts";

export function showTest(result: TestResult, { allowed, real }: GoldenSettings): void {
  const { items, passed, largest, ok } = result;
  const verdict = byId("verdict");
  const off = `largest difference ${shownError(largest)}`;
  verdict.textContent =
    ok === null
      ? `Ran ${items.length} of ${items.length}, ${off}; no verdict`
      : `Passed ${passed} of ${items.length}, ${off}`;
  verdict.className = ok === null ? "verdict" : `verdict ${ok ? "good" : "bad"}`;
  byId("verdict-note").textContent = note(result, allowed, real);
  byId("test-rows").replaceChildren(
    ...items.map((item, i) => {
      const row = element("tr");
      const said = ok === null ? "-" : item.ok ? "passed" : "failed";
      row.append(
        element("td", String(i + 1)),
        element("td", shownError(item.largest)),
        element("td", said),
      );
      return row;
    }),
  );
  byId("test-details").hidden = false;
}

export function showTestProblem(problem: string): void {
  byId("verdict").textContent = `The self-test could not run: ${problem}`;
  byId("verdict").className = "verdict bad";
}

function note(result: TestResult, allowed: GoldenSettings["allowed"], real: boolean): string {
  const what = real ? "Real items" : "Random items";
  const against = `${what} against the answers of the trained model, as a share of its output's range`;
  if (result.ok === null) return `${against}. Random items can't decide about an integer model.`;
  const limits = `${shownError(allowed.largest)} is allowed, ${shownError(allowed.mean)} on average`;
  return `${against}: ${limits}; on average it is ${shownError(result.mean)}.`;
}

function shownError(error: number): string {
  if (!Number.isFinite(error)) return "infinite";
  return error === 0
    ? "0"
    : error >= 1e-3
      ? String(Number(error.toPrecision(2)))
      : error.toExponential(1);
}

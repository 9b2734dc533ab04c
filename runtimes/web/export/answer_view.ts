// The answer on the page: the best in large words, the rest with bars, how long it took.

import { answers, percent, shown, type Answer, type Line, type Output } from "./answer.ts";
import { byId, element } from "./elements.ts";

export function showAnswer(outputs: Output[], labels: string[], milliseconds: number): void {
  const found = answers(outputs, labels);
  byId("answer").replaceChildren(
    ...found.map(({ best }) => element("p", best, { className: "best" })),
  );
  byId("lines").replaceChildren(...found.flatMap(lines));
  const took = byId("took");
  took.textContent = `The model took ${duration(milliseconds)}, without preprocessing.`;
  took.hidden = false;
  byId("answer").scrollIntoView({ block: "nearest" }); // below a long form nobody would see it
}

export function showProblem(problem: string): void {
  byId("answer").replaceChildren(element("p", problem, { className: "bad" }));
  byId("lines").replaceChildren();
  byId("took").hidden = true;
}

function lines({ lines: shownLines, more }: Answer): HTMLElement[] {
  if (shownLines.length < 2) return [];
  const list = element("ul", "", { className: "lines" });
  list.append(...shownLines.map(line));
  return more ? [list, element("p", `and ${more} more`, { className: "note" })] : [list];
}

function line({ name, value, share }: Line): HTMLElement {
  const item = element("li");
  const said = share === null ? shown(value) : percent(share);
  item.append(element("span", name), element("span", said, { className: "value" }));
  if (share !== null) {
    const bar = element("progress", "", { max: 1, value: share });
    bar.setAttribute("aria-hidden", "true"); // the number beside it says the same
    item.append(bar);
  }
  return item;
}

/** Browsers round their clocks, so a short time is only bounded. */
function duration(milliseconds: number): string {
  if (milliseconds < 1) return "less than a millisecond";
  return milliseconds < 10 ? `${milliseconds.toFixed(1)} ms` : `${Math.round(milliseconds)} ms`;
}

"""Numbers as people read them: units, few digits, and never a number without its interval."""

from __future__ import annotations

from collections.abc import Iterable

from edgewright.accuracy.intervals import Decision
from edgewright.accuracy.results import Score
from edgewright.bench.results import Row
from edgewright.reporting.facts import Facts

NOT_MEASURED = "not measured"


def time(ns: float) -> str:
    """Nanoseconds in the unit that gives one to three digits before the point."""
    for unit, size in (("s", 1e9), ("ms", 1e6), ("µs", 1e3)):
        if ns >= size:
            return f"{ns / size:.3g} {unit}" if ns < 999.5 * size else f"{ns / size:,.0f} {unit}"
    return f"{ns:.0f} ns"


def size(count: int | None) -> str:
    if count is None:
        return NOT_MEASURED
    for unit, step in (("MB", 1e6), ("kB", 1e3)):
        if count >= step:
            return f"{count / step:.1f} {unit}"
    return f"{count} B"


def value(score: Score, side: str = "artifact") -> str:
    number = score.source if side == "source" else score.artifact
    if number is None:
        return f"none: {score.reason}"
    return f"{number * 100:.2f} %" if score.proportion else f"{number:.4g}"


def change(score: Score) -> str:
    """``-0.50 (-1.47 to +0.14) points``, or why there is none."""
    if score.change is None or score.low is None or score.high is None:
        return score.reason
    unit = "points" if score.proportion else "% of the source"
    c, low, high = (100 * v for v in (score.change, score.low, score.high))
    return f"{c:+.2f} ({low:+.2f} to {high:+.2f}) {unit}"


def median_interval(row: Row) -> str:
    interval = row.summary.median_interval_ns
    return "no interval" if interval is None else f"{time(interval[0])} to {time(interval[1])}"


def against(row: Row) -> str:
    if row.baseline:
        return "baseline"
    return row.comparison.words if row.comparison is not None else row.no_comparison


def headline(facts: Facts) -> tuple[str, str]:
    """The page's first sentence and its colour: ship, no, few or none."""
    by = {decision: _names(facts, decision) for decision in (*Decision, None)}
    if by[Decision.DO_NOT_SHIP]:
        return f"Do not ship {_list(by[Decision.DO_NOT_SHIP])}.", "no"
    if by[Decision.NOT_ENOUGH_DATA]:
        return f"Not enough data to decide on {_list(by[Decision.NOT_ENOUGH_DATA])}.", "few"
    if by[Decision.SHIP]:
        return "All that was checked may ship.", "ship"
    if any(s.accuracy for s in facts.subjects):
        return "Accuracy was measured, and no gate was set: nothing is decided.", "none"
    return "Accuracy was not measured: nothing is decided.", "none"


def details(facts: Facts) -> list[str]:
    """What stands under the headline: who passed, the fastest of them, what failed."""
    lines = []
    ship = _names(facts, Decision.SHIP)
    if ship:
        lines.append(f"May ship: {_list(ship)}.")
    fast = [
        (row.summary.median_ns, s.artifact.name, row)
        for s in facts.subjects
        for row in s.latency
        if s.decision is Decision.SHIP
    ]
    if fast:
        _, name, row = min(fast, key=lambda entry: entry[0])
        lines.append(
            f"Least median among them: {name}, {time(row.summary.median_ns)} in {row.runtime} "
            f"({median_interval(row)}; verdict: {row.judgement.verdict.value})."
        )
    if not any(s.latency for s in facts.subjects):
        lines.append("Latency was not measured.")
    if facts.failures:
        lines.append(f"Failed: {_list(sorted({f.artifact for f in facts.failures}))}.")
    return lines


def _names(facts: Facts, decision: Decision | None) -> list[str]:
    return [name for name, found in facts.decisions.items() if found is decision]


def _list(names: Iterable[str]) -> str:
    return ", ".join(names)

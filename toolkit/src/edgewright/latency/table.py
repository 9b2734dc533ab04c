"""The results as a table of words, for a terminal or a pipe."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edgewright.latency.results import Row
    from edgewright_runtimes.statistics import Summary

HEADINGS = (
    "artifact", "runtime", "median (99 %)", "p90 <=", "p95 <=", "p99 <=", "against float32",
    "load", "first", "peak memory", "size / zipped", "verdict",
)  # fmt: skip
BLANK = "-"


def cells(row: Row) -> tuple[str, ...]:
    """One line of the table, in the order of ``HEADINGS``."""
    return (
        row.artifact,
        _where(row),
        median(row.summary),
        *(BLANK if t.bound_ns is None else time(t.bound_ns) for t in row.summary.tails),
        against(row),
        time(row.load_ns),
        time(row.first_ns),
        size(row.peak_memory_bytes),
        f"{size(row.size_bytes)} / {size(row.zipped_bytes)}",
        row.judgement.verdict.value + (", partial" if row.partial else ""),
    )


def _where(row: Row) -> str:
    name = row.runtime if row.threads == 1 else f"{row.runtime} x{row.threads}"
    return name if row.target == "local" else f"{name} on {row.target}"


def notes(rows: Sequence[Row]) -> list[str]:
    """What stands behind the cells: a line of what all rows share, then a line for each row."""
    said = [_reasons(row) for row in rows]
    shared = [reason for reason in said[0] if all(reason in s for s in said)] if said[1:] else []
    lines = [f"all: {'; '.join(shared)}"] if shared else []
    for row, reasons in zip(rows, said, strict=True):
        own = [reason for reason in reasons if reason not in shared]
        if own:
            lines.append(f"{row.artifact} in {_where(row)}: {'; '.join(own)}")
    return lines


def _reasons(row: Row) -> list[str]:
    said = [*_fewer_threads(row), *row.judgement.reasons]
    if row.comparison is not None:
        said.append(f"against float32: {row.comparison.words}")
    elif not row.baseline:
        said.append(f"no comparison: {row.no_comparison}")
    blank: dict[str, list[str]] = {}
    for tail in row.summary.tails:
        if tail.bound_ns is None:
            blank.setdefault(tail.reason, []).append(f"p{tail.p * 100:.4g}")
    said += [f"{', '.join(names)} blank: {reason}" for reason, names in blank.items()]
    if row.summary.calls_per_sample > 1:
        said.append(f"tails are of means of {row.summary.calls_per_sample} calls")
    return said


def _fewer_threads(row: Row) -> list[str]:
    """What a browser's row says of itself; one of this machine has as many as were asked for."""
    asked = row.in_force.get("threads_asked")
    if asked is None:
        return []
    threads = row.in_force.get("threads", "?")
    why = row.in_force.get("why_no_threads", "no reason given")
    return [f"{threads} of {asked} threads in force: {why}"]


def median(summary: Summary) -> str:
    if summary.median_interval_ns is None:
        return time(summary.median_ns)
    low, high = summary.median_interval_ns
    return f"{time(summary.median_ns)} ({_number(low)}..{_number(high)})"


def against(row: Row) -> str:
    """``0.42 x`` of the baseline's time, with its interval, or that no difference was seen."""
    if row.comparison is None:
        return "baseline" if row.baseline else BLANK
    found = row.comparison
    if found.low is None or found.high is None:
        return f"{found.ratio:.3g} x, no interval"
    if not found.different:
        return "no measurable difference"
    return f"{found.ratio:.3g} x ({found.low:.3g}..{found.high:.3g})"


def time(ns: float) -> str:
    return f"{_number(ns)} ms"


def _number(ns: float) -> str:
    return f"{ns / 1e6:.4g}" if ns >= 1e5 else f"{ns / 1e6:.3g}"


def size(count: int | None) -> str:
    if count is None:
        return BLANK
    return f"{count / 1e6:.1f} MB" if count >= 1e6 else f"{count / 1e3:.1f} kB"

"""Cells of tables, and those that tell the latency of one row."""

from __future__ import annotations

from dataclasses import dataclass

from edgewright.latency.results import Row
from edgewright.reporting import words
from edgewright_runtimes.statistics import Comparison, Summary, Tail

BLANK = "\N{EN DASH}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """``small`` stands under ``text``; ``title`` is said when it is pointed at."""

    text: str
    small: str = ""
    title: str = ""
    sort: str = ""
    number: bool = True
    tone: str = ""


def times(row: Row | None) -> tuple[Cell, ...]:
    if row is None:
        return tuple(Cell(text=BLANK, title=words.NOT_MEASURED) for _ in range(8))
    return (
        median(row.summary),
        against(row),
        *(_bound(tail, row.summary) for tail in row.summary.tails),
        _time(row.load_ns),
        _time(row.first_ns),
        _peak(row.peak_memory_bytes),
    )


def median(s: Summary) -> Cell:
    why = "; ".join(s.reasons)
    if s.median_interval_ns is None:
        return Cell(
            text=words.time(s.median_ns), small="no interval", title=why, sort=f"{s.median_ns:.9g}"
        )
    return _time(s.median_ns, words.span(s.median_interval_ns), why)


def against(row: Row) -> Cell:
    """The time over that of the format's float32."""
    if row.comparison is None:
        text = "baseline" if row.baseline else BLANK
        return Cell(text=text, title=row.no_comparison, sort="1" if row.baseline else "")
    return compared(row.comparison)


def compared(c: Comparison) -> Cell:
    """A ratio of times with its interval, or that no difference was seen."""
    sort = f"{c.ratio:.9g}"
    if c.low is None or c.high is None:
        return Cell(
            text=f"{words.significant(c.ratio)} x", small="no interval", title=c.words, sort=sort
        )
    if not c.different:
        seen = "" if c.smallest_visible is None else words.visible(c.smallest_visible)
        return Cell(text="no difference", small=seen, title=c.words, sort=sort)
    return Cell(
        text=f"{words.significant(c.ratio)} x",
        small=words.ends(c.low, c.high),
        title=c.words,
        sort=sort,
    )


def _bound(tail: Tail, summary: Summary) -> Cell:
    if tail.bound_ns is None:
        return Cell(text=BLANK, title=tail.reason)
    calls = f"of {tail.of_calls}-call means" if tail.of_calls > 1 else ""
    value = f"quantile of the samples: {words.time(tail.value_ns)}"
    return _time(tail.bound_ns, title=f"{value}; {calls}" if calls else value)


def _time(ns: float, small: str = "", title: str = "") -> Cell:
    return Cell(text=words.time(ns), small=small, title=title, sort=f"{ns:.9g}")


def _peak(count: int | None) -> Cell:
    if count is None:
        return Cell(text=BLANK, title=words.NOT_MEASURED)
    return Cell(text=words.size(count), sort=str(count))


def timing(row: Row | None) -> Cell:
    if row is None:
        return Cell(text=BLANK, title=words.NOT_MEASURED, sort="", number=False)
    verdict = row.judgement.verdict.value
    return Cell(
        text=verdict,
        small=", ".join([row.preset, *(["partial"] if row.partial else [])]),
        title="; ".join(row.judgement.reasons),
        sort=verdict,
        number=False,
        tone="ship" if verdict == "trusted" else "few",
    )

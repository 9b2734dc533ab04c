"""Every try of a search, in the order they were made: what came out, its cost, and its reason."""

from __future__ import annotations

from collections.abc import Sequence

from edgewright.accuracy.metrics import TABLE
from edgewright.reporting import words
from edgewright.reporting.cells import BLANK, Cell
from edgewright.reporting.rows import Column, Line, Table
from edgewright_runtimes.records import Try

TONES = {"taken": "ship", "rejected": "no", "failed": "no", "undecided": "few", "skipped": "soft"}


def searched(tries: Sequence[Try]) -> Table:
    metric = next((t.metric for t in tries if t.metric), "accuracy")
    columns = (
        Column(name="Try", number=False),
        Column(name="Outcome", number=False),
        Column(name=words.title(metric), number=True, about="under it, the change: 95 % interval"),
        Column(name="Speed-up", number=True, about="over the format's float32; under it, at least"),
        Column(name="Size", number=True),
        Column(name="Took", number=True, about="making, checking and timing it"),
        Column(name="Why", number=False),
    )
    lines = tuple(Line(name=t.artifact, small="", cells=_cells(t)) for t in tries)
    return Table(columns=columns, lines=lines, notes=())


def _cells(attempt: Try) -> tuple[Cell, ...]:
    outcome = attempt.outcome
    size = attempt.size_bytes
    return (
        Cell(text=outcome, number=False, tone=TONES[outcome]),
        _score(attempt),
        _speedup(attempt),
        Cell(text=BLANK) if size is None else Cell(text=words.size(size)),
        Cell(text=words.seconds(attempt.seconds) if attempt.seconds else BLANK),
        Cell(text=attempt.reason, number=False, tone="why"),
    )


def _score(attempt: Try) -> Cell:
    if attempt.score is None:
        return Cell(text=BLANK, title="not measured")
    row = TABLE.get(attempt.metric.partition("@")[0])
    share = row is not None and row.proportion
    text = words.percent(attempt.score) if share else f"{attempt.score:.4g}"
    if attempt.change is None or attempt.low is None or attempt.high is None:
        return Cell(text=text)
    unit = "" if share else " %"
    return Cell(text=text, small=words.signed(attempt.change, attempt.low, attempt.high, unit))


def _speedup(attempt: Try) -> Cell:
    if attempt.speedup is None:
        return Cell(text=BLANK, title="not measured")
    least = attempt.speedup_low
    return Cell(
        text=f"{attempt.speedup:.2f} x", small="" if least is None else f"at least {least:.2f} x"
    )

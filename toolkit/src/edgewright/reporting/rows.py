"""The big table: one line for each artifact and runtime, each cell with what it sorts by."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from edgewright.accuracy.results import Result, Score
from edgewright.latency.results import Row
from edgewright.reporting import words
from edgewright.reporting.cells import BLANK, Cell, times, timing
from edgewright.reporting.facts import HARNESS, Facts, Subject

TONES = {"ship": "ship", "do not ship": "no", "not enough data": "few"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """``about`` is said when it is pointed at."""

    name: str
    number: bool
    about: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    name: str
    small: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    columns: tuple[Column, ...]
    lines: tuple[Line, ...]
    notes: tuple[str, ...]


def table_of(facts: Facts) -> Table:
    detector = any(len(r.classes) == 2 for r in facts.results)
    lines = [_line(s, row, facts, detector) for s in facts.subjects for row in s.latency or (None,)]
    return Table(
        columns=tuple(c for c in _columns(facts) if detector or c.name != "False negatives"),
        lines=tuple(lines),
        notes=tuple(_notes(facts)),
    )


def _columns(facts: Facts) -> tuple[Column, ...]:
    metric = facts.metric or "accuracy"
    bound = "99 % upper bound of this quantile (MLPerf's early stopping)"
    return (
        Column(name="Artifact", number=False),
        Column(name="May ship?", number=False, about="the gates' decision on accuracy"),
        Column(
            name=words.title(metric),
            number=True,
            about="value; change against the source on the same items, with its 95 % interval",
        ),
        Column(name="False negatives", number=True, about="share that is missed"),
        Column(name="Median", number=True, about="of the rounds' medians; 99 % interval"),
        Column(
            name="vs float32",
            number=True,
            about="time over that of the format's float32 in the same job; 99 % interval",
        ),
        *(
            Column(name=f"{p}\N{NO-BREAK SPACE}≤", number=True, about=bound)
            for p in ("p90", "p95", "p99")
        ),
        Column(name="Load", number=True, about="median over the rounds"),
        Column(name="First", number=True, about="the first inference of a fresh process or page"),
        Column(
            name="Peak", number=True, about="peak memory of a fresh process; no browser tells it"
        ),
        Column(
            name="Size",
            number=True,
            about="of the file; under it, zipped; for browsers as brotli too",
        ),
        Column(name="Timing", number=False, about="may the latency be believed?"),
    )


def _line(subject: Subject, row: Row | None, facts: Facts, detector: bool) -> Line:
    artifact = subject.artifact
    result = subject.result(row)
    harness = row is not None and row.runtime == HARNESS
    return Line(
        name=artifact.name,
        small="; ".join(part for part in (_where(row), *_scheme(subject)) if part),
        cells=(
            Cell(text=BLANK, number=False) if harness else _decision(subject),
            score_cell(None if harness else result, facts.metric),
            *((_false_negatives(None if harness else result),) if detector else ()),
            *times(row),
            size_cell(subject),
            timing(row),
        ),
    )


def _where(row: Row | None) -> str:
    if row is None:
        return ""
    name = "the harness alone" if row.runtime == HARNESS else row.runtime
    name += f" x{row.threads}" if row.threads > 1 else ""
    return name if row.target == "local" else f"{name} on {row.target}"


def _scheme(subject: Subject) -> list[str]:
    artifact = subject.artifact
    scheme = str(artifact.details.get("scheme_in_force", artifact.scheme))
    said = [f"in force: {scheme}"] if scheme != artifact.scheme else []
    if artifact.format == "tfjs" and artifact.scheme != "float32":
        said.append("weights as stored")
    return said


def _decision(subject: Subject) -> Cell:
    if subject.not_here:
        words_ = "not on this target"
        return Cell(text=words_, title=subject.not_here, sort="", number=False, tone="soft")
    if subject.decision is None:
        return Cell(text=BLANK, title="no gate was set", sort="", number=False)
    decision = subject.decision.value
    return Cell(text=decision, sort=decision, number=False, tone=TONES[decision])


def score_cell(result: Result | None, metric: str) -> Cell:
    score = None if result is None else result.score(metric) or next(iter(result.scores), None)
    if score is None:
        return Cell(text=BLANK, title=words.NOT_MEASURED)
    if score.artifact is None:
        return Cell(text=BLANK, title=score.reason)
    name = "" if score.metric == metric else f"{score.metric} "
    return Cell(
        text=name + words.value(score),
        small=_change(score),
        title=words.change(score),
        sort=f"{score.artifact:.9g}",
    )


def _change(score: Score) -> str:
    if score.change is None or score.low is None or score.high is None:
        return "no interval" if score.reason else ""
    return words.signed(score.change, score.low, score.high, "" if score.proportion else " %")


def size_cell(subject: Subject) -> Cell:
    artifact, brotli = subject.artifact, subject.brotli_bytes
    web = brotli is not None
    return Cell(
        text=words.size(artifact.size_bytes),
        small=words.size(artifact.zipped_bytes) + (f", brotli {words.size(brotli)}" if web else ""),
        title="raw; under it, zipped" + (" as gzip does, and by brotli" if web else ""),
        sort=str(artifact.size_bytes),
    )


def _false_negatives(result: Result | None) -> Cell:
    """Of the class with the highest index: in a two-class detector, the one that is looked for."""
    if result is None or len(result.classes) != 2:
        return Cell(text=BLANK, title=words.NOT_MEASURED)
    last = result.classes[-1]
    ours, theirs = last.artifact.false_negative_rate, last.source.false_negative_rate
    if ours is None or theirs is None:
        return Cell(text=BLANK, title=f"no items of {last.name}")
    return Cell(
        text=words.percent(ours),
        small=f"source {words.percent(theirs)}",
        title=f"of {last.items:,} items of class {last.name}",
        sort=f"{ours:.9g}",
    )


def _notes(facts: Facts) -> Iterator[str]:
    """Why cells are blank, once for each reason; each cell's own numbers are in its title."""
    blank = dict.fromkeys(
        (tail.p, tail.reason.partition(", these")[0])
        for row in facts.rows
        for tail in row.summary.tails
        if tail.bound_ns is None
    )
    if blank:
        said = [f"p{p * 100:.4g} {reason}" for p, reason in sorted(blank)]
        yield f"Bounds are blank where the samples cannot carry them: {'; '.join(said)}."
    apart: dict[str, list[str]] = {}
    for row in facts.rows:
        if row.comparison is None and not row.baseline and row.runtime != HARNESS:
            apart.setdefault(row.no_comparison, []).append(
                f"{row.artifact} in {row.runtime}{facts.place(row)}"
            )
    for reason, found in apart.items():
        yield f"No comparison of {words.some(found)}: {reason}."
    calls = [row.summary.calls_per_sample for row in facts.rows]
    if max(calls, default=1) > 1:
        yield (
            f"Short calls were timed up to {max(calls)} at a time: "
            "the tails of those are tails of means."
        )

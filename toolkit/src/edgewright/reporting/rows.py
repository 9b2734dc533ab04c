"""The big table: one line for each artifact and runtime, each cell with what it sorts by."""

from __future__ import annotations

from dataclasses import dataclass

from edgewright.accuracy.results import Result, Score
from edgewright.bench.results import Row
from edgewright.reporting import words
from edgewright.reporting.facts import Subject

TONES = {"ship": "ship", "do not ship": "no", "not enough data": "few"}
COLUMNS = (
    ("artifact", False),
    ("verdict", False),
    ("accuracy", True),
    ("false negatives", True),
    ("runtime", False),
    ("median", True),
    ("against float32", False),
    ("p90 at most", True),
    ("p95 at most", True),
    ("p99 at most", True),
    ("load", True),
    ("first", True),
    ("peak memory", True),
    ("size", True),
    ("latency verdict", False),
)
VERIFIED_ONLY = {"tfjs": "not on this target: it runs in a browser"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    text: str
    small: str = ""
    sort: str = ""
    number: bool = False
    tone: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    name: str
    note: str
    cells: tuple[Cell, ...]


def lines_of(subject: Subject, *, detector: bool) -> list[Line]:
    """One line for each runtime it was timed in, or one without times."""
    return [_line(subject, row, detector) for row in subject.latency or (None,)]


def _line(subject: Subject, row: Row | None, detector: bool) -> Line:
    artifact = subject.artifact
    result = _result(subject, row)
    decision = subject.decision.value if subject.decision else ""
    scheme = str(artifact.details.get("scheme_in_force", artifact.scheme))
    note = scheme if scheme != artifact.scheme else ""
    if artifact.format == "tfjs" and artifact.scheme != "float32":
        note = "weights as stored; computed in float32"
    return Line(
        name=artifact.name,
        note=note,
        cells=(
            Cell(text=decision or "not decided", sort=decision, tone=TONES.get(decision, "")),
            _accuracy(result, artifact.format),
            *((_false_negatives(result),) if detector else ()),
            *_times(row, artifact.format),
            Cell(
                text=words.size(artifact.size_bytes),
                small=f"zipped {words.size(artifact.zipped_bytes)}",
                sort=str(artifact.size_bytes),
                number=True,
            ),
            _latency_verdict(row),
        ),
    )


def _result(subject: Subject, row: Row | None) -> Result | None:
    same = [r for r in subject.accuracy if row is None or r.runtime == row.runtime]
    return next(iter(same or subject.accuracy), None)


def _accuracy(result: Result | None, format_: str) -> Cell:
    if result is None or not result.scores:
        return Cell(text=VERIFIED_ONLY.get(format_, words.NOT_MEASURED))
    return _score_cell(result.scores[0])


def _score_cell(score: Score) -> Cell:
    sort = "" if score.artifact is None else f"{score.artifact:.9g}"
    name = "" if score.metric == "accuracy" else f"{score.metric}: "
    return Cell(text=name + words.value(score), small=words.change(score), sort=sort, number=True)


def _false_negatives(result: Result | None) -> Cell:
    """Of the class with the highest index: in a two-class detector, the one that is looked for."""
    if result is None or not result.classes:
        return Cell(text=words.NOT_MEASURED)
    last = result.classes[-1]
    ours, theirs = last.artifact.false_negative_rate, last.source.false_negative_rate
    if ours is None or theirs is None:
        return Cell(text=f"no items of {last.name}")
    text = f"{ours * 100:.2f} %"
    small = f"of {last.items} {last.name}; source {theirs * 100:.2f} %"
    return Cell(text=text, small=small, sort=f"{ours:.9g}", number=True)


def _times(row: Row | None, format_: str) -> tuple[Cell, ...]:
    if row is None:
        missing = Cell(text=VERIFIED_ONLY.get(format_, words.NOT_MEASURED))
        return (missing, *(Cell(text="") for _ in range(8)))
    s = row.summary
    return (
        Cell(text=row.runtime, small=f"{row.threads} thread{'s' if row.threads > 1 else ''}"),
        _time(s.median_ns, words.median_interval(row)),
        Cell(text=words.against(row)),
        *(_bound(t.bound_ns, t.reason, t.of_calls) for t in s.tails),
        _time(row.load_ns),
        _time(row.first_ns),
        Cell(
            text=words.size(row.peak_memory_bytes),
            sort=str(row.peak_memory_bytes or ""),
            number=True,
        ),
    )


def _time(ns: float, small: str = "") -> Cell:
    return Cell(text=words.time(ns), small=small, sort=f"{ns:.9g}", number=True)


def _bound(ns: float | None, reason: str, of_calls: int) -> Cell:
    if ns is None:
        return Cell(text="blank", small=reason)
    return _time(ns, f"of {of_calls}-call means" if of_calls > 1 else "")


def _latency_verdict(row: Row | None) -> Cell:
    if row is None:
        return Cell(text="")
    verdict = row.judgement.verdict.value + (", partial" if row.partial else "")
    return Cell(text=verdict, sort=verdict, tone="ship" if verdict == "trusted" else "few")

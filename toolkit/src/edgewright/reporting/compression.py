"""The story of compression: what each step made of the model, and what its artifacts gained.

A chapter is one recipe's model. Its artifacts stand beside the source's own of the same scheme,
measured in the same job; what is said of time is said of such pairs alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from edgewright.reporting import controls, words
from edgewright.reporting.cells import BLANK, Cell
from edgewright.reporting.facts import Facts, Subject
from edgewright.reporting.rows import Column, Line, Table, score_cell, size_cell
from edgewright.reporting.searched import searched
from edgewright_runtimes.records import Compressed, ModelCost, StepRecord

OPEN = 3  # so many chapters are shown unfolded
MOST_SKIPPED = 12  # layers named for a step


@dataclass(frozen=True, slots=True, kw_only=True)
class Chapter:
    """``steps`` has a line for the source and one for the model after each step."""

    name: str
    summary: str
    steps: Table
    artifacts: Table | None
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """``sentences`` are said aloud, above all else; ``searched`` has every try of a search."""

    sentences: tuple[str, ...]
    searched: Table | None
    chapters: tuple[Chapter, ...]
    unfolded: bool


def story(facts: Facts) -> Story | None:
    """``None`` where nothing was compressed."""
    if not facts.compressed and not facts.tries:
        return None
    chapters = tuple(_chapter(facts, c) for c in sorted(facts.compressed, key=_order))
    return Story(
        sentences=(
            *controls.aloud(controls.no_time_gained(facts)),
            *controls.without_control(facts),
            *_on_items_of(facts),
        ),
        searched=searched(facts.tries) if facts.tries else None,
        chapters=chapters,
        unfolded=len(chapters) <= OPEN,
    )


def _order(compressed: Compressed) -> tuple[int, str]:
    return len(compressed.records), recipe_name(compressed)


def recipe_name(compressed: Compressed) -> str:
    """``prune50, equalize``: the steps in their order."""
    return words.joined(_label(record) for record in compressed.records)


def _label(record: StepRecord) -> str:
    return record.step.label or record.step.kind


def _on_items_of(facts: Facts) -> Iterator[str]:
    counts = {r.items for c in facts.compressed for r in c.records if r.items}
    if counts:
        items = " or ".join(f"{count:,}" for count in sorted(counts))
        yield (
            f"Scores of steps are of {items} items that were not learnt from, without an interval; "
            "what may ship is decided by the check above, on the artifacts."
        )


def _chapter(facts: Facts, compressed: Compressed) -> Chapter:
    made = [s for s in facts.subjects if s.compressed == compressed.key]
    first, last = compressed.records[0].before, compressed.records[-1]
    share = last.after.zipped_bytes / max(first.zipped_bytes, 1)
    summary = f"{_score_text(last.scores)}, zipped {share:.2f} x of the source's weights"
    return Chapter(
        name=recipe_name(compressed),
        summary=summary.removeprefix(", "),
        steps=_steps(compressed),
        artifacts=_artifacts(facts, made) if made else None,
        notes=tuple(_notes(compressed, made)),
    )


# -- the model, step by step ----------------------------------------------------------------------


def _steps(compressed: Compressed) -> Table:
    source = compressed.records[0].before
    metric = next(iter(compressed.source_scores), "score")
    names = (
        ("Step", ""),
        (words.title(metric), "of items not learnt from; under it, the change in points or in %"),
        ("Parameters", "under it, the share of the source's"),
        ("Not zero", "weights that are not zero, of the model's own parameters"),
        ("MACs", "multiply-accumulates of one item"),
        ("Weights", "the bytes of the float32 weights"),
        ("Zipped", "the same bytes, as DEFLATE packs them"),
        ("Took", "with its training"),
    )
    lines = [Line(name="source", small="", cells=_cost_cells(source, source, compressed, None))]
    lines += [
        Line(name=_label(r), small="", cells=_cost_cells(r.after, source, compressed, r))
        for r in compressed.records
    ]
    columns = tuple(Column(name=n, number=n != "Step", about=about) for n, about in names)
    return Table(columns=columns, lines=tuple(lines), notes=())


def _cost_cells(
    cost: ModelCost, source: ModelCost, compressed: Compressed, record: StepRecord | None
) -> tuple[Cell, ...]:
    scores = compressed.source_scores if record is None else record.scores
    own = _share(cost.nonzero, cost.parameters)
    return (
        _score(scores, compressed.source_scores, first=record is None),
        _count(cost.parameters, source.parameters),
        Cell(text=f"{cost.nonzero:,}", small=own, sort=str(cost.nonzero)),
        _count(cost.macs, source.macs),
        _bytes(cost.size_bytes, source.size_bytes),
        _bytes(cost.zipped_bytes, source.zipped_bytes),
        Cell(text=BLANK) if record is None else _seconds(record.seconds),
    )


def _score(scores: Mapping[str, float], source: Mapping[str, float], *, first: bool) -> Cell:
    if not scores:
        return Cell(text=BLANK, title="no labels, or a task that has no score here")
    metric, value = next(iter(scores.items()))
    small = "" if first or metric not in source else _change(metric, value, source[metric])
    return Cell(text=_score_text(scores), small=small, sort=f"{value:.9g}")


def _score_text(scores: Mapping[str, float]) -> str:
    for metric, value in scores.items():
        return words.percent(value) if metric == "accuracy" else f"{metric} {value:.4g}"
    return ""


def _change(metric: str, value: float, source: float) -> str:
    """In points for a share, else in per cent of the source's."""
    if metric == "accuracy":
        return f"{100 * (value - source):+.2f}"
    return f"{100 * (value - source) / source:+.1f} %" if source else ""


def _count(value: int | None, of: int | None) -> Cell:
    if value is None:
        return Cell(text=BLANK, title="a layer's cannot be counted")
    return Cell(text=f"{value:,}", small=_share(value, of), sort=str(value))


def _bytes(value: int, of: int) -> Cell:
    return Cell(text=words.size(value), small=_share(value, of), sort=str(value))


def _share(value: int, of: int | None) -> str:
    return f"{100 * value / of:.3g} %" if of and value != of else ""


def _seconds(value: float) -> Cell:
    return Cell(text=words.seconds(value), sort=f"{value:.3f}")


# -- its artifacts beside the source's own --------------------------------------------------------


def _artifacts(facts: Facts, made: Sequence[Subject]) -> Table:
    columns = (
        Column(name="Artifact", number=False),
        Column(name=words.title(facts.metric or "accuracy"), number=True, about="as checked"),
        Column(name="Median", number=True, about="of the rounds' medians; 99 % interval"),
        Column(name="Time vs its control", number=True, about="the source's own of the scheme"),
        Column(name="Time vs float32", number=True, about="the source's own, in the same job"),
        Column(name="Size", number=True, about="of the file; under it, zipped"),
        Column(name="Size vs its control", number=True, about="of the file; under it, zipped"),
    )
    lines = []
    for subject in _with_controls(facts, made):
        control = controls.control_of(facts, subject)
        for row in subject.latency or (None,):
            lines.append(
                Line(
                    name=subject.artifact.name,
                    small="" if row is None else row.runtime,
                    cells=(
                        score_cell(subject.result(row), facts.metric),
                        *controls.time_cells(facts, subject, row),
                        size_cell(subject),
                        _size_ratio(subject, control),
                    ),
                )
            )
    return Table(columns=columns, lines=tuple(lines), notes=())


def _with_controls(facts: Facts, made: Sequence[Subject]) -> list[Subject]:
    """The source's float32 and same scheme before each, in the bundle's order, each once."""
    wanted = {s.artifact.name for s in made}
    for subject in made:
        wanted |= controls.control_names(subject)
    return [s for s in facts.subjects if s.artifact.name in wanted]


def _size_ratio(subject: Subject, control: Subject | None) -> Cell:
    if control is None:
        return Cell(text=BLANK)
    ours, theirs = subject.artifact, control.artifact
    ratio = ours.size_bytes / max(theirs.size_bytes, 1)
    zipped = ours.zipped_bytes / max(theirs.zipped_bytes, 1)
    return Cell(text=f"{ratio:.2f} x", small=f"{zipped:.2f} x", sort=f"{zipped:.6g}")


def _notes(compressed: Compressed, made: Sequence[Subject]) -> Iterator[str]:
    for record in compressed.records:
        label = _label(record)
        rounded = record.details.get("int8_scores")
        if isinstance(rounded, Mapping) and rounded:
            yield f"{label}: {_score_text(rounded)} with the arithmetic of the int8 files"
        for note in record.notes:
            yield f"{label}: {note}"
        if record.skipped:
            left = [f"{s.layer} ({s.reason})" for s in record.skipped]
            yield f"{label} left as they were: {words.some(left, MOST_SKIPPED)}."
    if not made:
        yield "No artifact of this model is in the bundle."

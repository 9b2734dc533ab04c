"""Per-class errors, and each check in detail."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edgewright.accuracy.results import ClassRow, Rates, Result
from edgewright.reporting import words
from edgewright.reporting.facts import Facts

MANY_CLASSES = 30  # a larger confusion matrix is not shown
MOST_CLASSES = 60  # of more, those with the most errors are shown
SHADES = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Shaded:
    """``shade``: 0 (none) to 6; -1 where it is no error."""

    text: str
    shade: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Missed:
    """Shares of each class that are missed: a line a class, a column the source and each check."""

    columns: tuple[str, ...]
    lines: tuple[tuple[str, str, tuple[Shaded, ...]], ...]  # class, items, cells
    note: str


def missed_by_class(facts: Facts) -> Missed | None:
    """``None`` where nothing was checked against classes."""
    results = [r for r in facts.results if r.classes]
    if not results:
        return None
    results = [r for r in results if len(r.classes) == len(results[0].classes)]
    shown = _worst([row.index for row in results[0].classes], results)
    largest = max((_fn(r.classes[i].artifact) or 0.0 for r in results for i in shown), default=0.0)
    lines = []
    for i in shown:
        row = results[0].classes[i]
        rates = [_fn(row.source), *(_fn(r.classes[i].artifact) for r in results)]
        cells = tuple(Shaded(text=rate(v), shade=_shade(v, largest)) for v in rates)
        lines.append((row.name, f"{row.items:,}", cells))
    total = len(results[0].classes)
    note = f"The {len(shown)} of {total:,} classes with the most errors." * (len(shown) < total)
    names = [words.short(r.artifact) for r in results]
    return Missed(columns=("source", *names), lines=tuple(lines), note=note)


def _worst(places: list[int], results: Sequence[Result]) -> list[int]:
    if len(places) <= MOST_CLASSES:
        return places

    def errors(i: int) -> float:
        return max(_fn(r.classes[i].artifact) or 0.0 for r in results)

    return sorted(sorted(places, key=errors, reverse=True)[:MOST_CLASSES])


def _fn(rates: Rates) -> float | None:
    return rates.false_negative_rate


def _shade(value: float | None, largest: float) -> int:
    if not value or largest <= 0:
        return 0
    return min(SHADES, max(1, round(SHADES * value / largest)))


def rate(value: float | None) -> str:
    return "\N{EN DASH}" if value is None else f"{value * 100:.1f} %"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One artifact's check, whole: scores, rates of each class, confusion matrix."""

    name: str
    summary: str
    words: tuple[str, ...]
    scores: tuple[tuple[str, ...], ...]
    rates: tuple[tuple[str, ...], ...]
    confusion: tuple[tuple[str, tuple[Shaded, ...]], ...]
    right: tuple[str, ...]  # the classes, in the columns' order


def checks(facts: Facts) -> list[Check]:
    return [_check(result) for result in facts.results]


def _check(result: Result) -> Check:
    scores = tuple(
        (
            score.metric,
            words.value(score, "source"),
            words.value(score),
            words.change(score),
            f"{score.better}",
            f"{score.items:,}",
            "; ".join(
                part
                for part in (
                    score.method,
                    "" if score.p_value is None else f"McNemar p = {score.p_value:.3g}",
                )
                if part
            ),
        )
        for score in result.scores
    )
    first = result.scores[0] if result.scores else None
    shown = _worst([row.index for row in result.classes], [result]) if result.classes else []
    return Check(
        name=f"{result.artifact} in {result.runtime}",
        summary=f"{first.metric} {words.value(first)}" if first else "",
        words=tuple(_said(result)),
        scores=scores,
        rates=tuple(_rates(result.classes[i]) for i in shown),
        confusion=() if len(result.classes) > MANY_CLASSES else _confusion(result),
        right=tuple(words.short(row.name) for row in result.classes),
    )


def _said(result: Result) -> list[str]:
    parts = [f"{result.items:,} items of {result.data}, on {result.target}."]
    for g in result.gates:
        more = f" (about {g.items_needed:,} items would decide)" if g.items_needed else ""
        parts.append(f"Gate {g.gate}: {g.decision.value}{more}.")
    if result.ties is not None:
        t = result.ties
        parts.append(
            f"{t.items:,} ties, where the source's two best answers are within {t.below:g} of its "
            f"output range; {t.disagreements:,} answers differ from the source's, {t.on_ties:,} "
            "of them on ties."
        )
    parts += [
        f"Output {d.output}: largest difference {d.largest:.3g} in a range of "
        f"{d.source_range:.3g}; mean cosine {d.cosine:.6f}."
        for d in result.differences
    ]
    return parts


def _rates(row: ClassRow) -> tuple[str, ...]:
    def both(source: float | None, artifact: float | None) -> str:
        return f"{rate(source)} / {rate(artifact)}"

    s, a = row.source, row.artifact
    return (
        row.name,
        f"{row.items:,}",
        both(s.precision, a.precision),
        both(s.recall, a.recall),
        both(s.false_positive_rate, a.false_positive_rate),
        both(s.false_negative_rate, a.false_negative_rate),
    )


def _confusion(result: Result) -> tuple[tuple[str, tuple[Shaded, ...]], ...]:
    wrong = [n for i, r in enumerate(result.confusion) for j, n in enumerate(r) if i != j]
    largest = max(wrong, default=0)
    return tuple(
        (
            result.classes[i].name,
            tuple(
                Shaded(text=f"{n:,}" if n else "", shade=-1 if i == j else _shade(n, largest))
                for j, n in enumerate(line)
            ),
        )
        for i, line in enumerate(result.confusion)
    )

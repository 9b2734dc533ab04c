"""Results in words and cells: for a terminal, for a pipe, and as plain data for JSON."""

from __future__ import annotations

from dataclasses import asdict
from itertools import compress
from typing import TYPE_CHECKING, Any

from edgewright.accuracy.columns import TIE

if TYPE_CHECKING:
    from edgewright.accuracy.results import CheckResult, Result, Score


def headline(result: CheckResult) -> str:
    """The verdict, in one line."""
    where = f"{result.items:,} items of {result.data}"
    if result.decision is None:
        return f"no gate, so nothing is decided ({where})"
    words = []
    for decision in ("do not ship", "not enough data", "ship"):
        decided = [r.decision == decision for r in result.results]
        names = list(compress(subjects(result), decided))
        if names:
            words.append(f"{decision}: {', '.join(names)}")
    return f"{'; '.join(words)} ({where})"


def table(result: CheckResult) -> list[list[str]]:
    """Header, the source's row, then a row each artifact: value (change; its 95 % interval)."""
    first = result.results[0]
    names = [score.metric for score in first.scores]
    with_ties = first.ties is not None
    head = [
        "artifact",
        "verdict",
        *names,
        *(["other answers"] if with_ties else []),
        "largest diff",
    ]
    source = ["source", "", *(_value(s.source, s) for s in first.scores)]
    rows = [head, [*source, *([""] if with_ties else []), ""]]
    named = zip(subjects(result), result.results, strict=True)
    return [*rows, *(_row(name, r, with_ties=with_ties) for name, r in named)]


def subjects(result: CheckResult) -> list[str]:
    """What each result is of: the artifact, and where and in what it ran, if that is not one."""
    places = len({r.target for r in result.results}) > 1
    seen = [(r.artifact, r.target) for r in result.results]
    return [
        r.artifact
        + f" in {r.runtime}" * (places or seen.count((r.artifact, r.target)) > 1)
        + f" on {r.target}" * places
        for r in result.results
    ]


def _row(name: str, result: Result, *, with_ties: bool) -> list[str]:
    cells = [name, str(result.decision.value) if result.decision else "-"]
    cells += [_cell(score) for score in result.scores]
    if with_ties and result.ties is not None:
        on_ties = f" ({result.ties.on_ties} on ties)" if result.ties.on_ties else ""
        cells.append(f"{result.ties.disagreements:,}{on_ties}")
    return [*cells, f"{max(d.largest for d in result.differences):.3g}"]


def _cell(score: Score) -> str:
    value = _value(score.artifact, score)
    if score.change is None:
        return value
    times, unit = 100.0, "" if score.proportion else " %"
    text = f"{_signed(score.change * times)}{unit}"
    if score.low is not None and score.high is not None:
        text += f"; {_signed(score.low * times)}..{_signed(score.high * times)}"
    return f"{value} ({text})"


def _value(value: float | None, score: Score) -> str:
    if value is None:
        return "-"
    return f"{value * 100:.2f} %" if score.proportion else f"{value:.4g}"


def _signed(value: float) -> str:
    return f"{value:+.2f}" if round(value, 2) else "0.00"


def remarks(result: CheckResult) -> list[str]:
    """What stands under the table: undecided gates, ties, failures, what can't run here."""
    lines = []
    for name, one in zip(subjects(result), result.results, strict=True):
        for gate in one.gates:
            if gate.decision.value == "ship":
                continue
            needed = (
                f"; about {gate.items_needed:,} items would decide" if gate.items_needed else ""
            )
            why = f" ({gate.score.reason})" if gate.score.reason else ""
            lines.append(f"{name}: gate {gate.gate}: {gate.decision.value}{why}{needed}")
    lines += _about_scores(result)
    for failure in result.failures:
        hint = f"; {failure.hint}" if failure.hint else ""
        where = f" in {failure.runtime}" if failure.runtime else ""
        what = failure.artifact or failure.target
        lines.append(f"{what}{where} FAILED at {failure.stage}: {failure.error}{hint}")
    lines += [f"{name}: {why}" for name, why in result.not_here.items()]
    return lines + [f"warning: {warning}" for warning in result.warnings]


def _about_scores(result: CheckResult) -> list[str]:
    if not result.results:
        return []
    first = result.results[0]
    lines = [f"{s.metric}: no interval, {s.reason}" for s in first.scores if s.reason]
    if first.ties is not None:
        lines.append(
            f"ties: {first.ties.items:,} of {first.items:,} items, where the source's two best "
            f"answers are closer than {TIE:.0e} of its output range"
        )
    lines.append("changes are artifact minus source (points, or % of the source), 95 % intervals")
    return lines


def as_plain(result: CheckResult) -> dict[str, Any]:
    """Plain data with the same words as the records; ``None`` where a number is unknown."""
    plain = asdict(result)
    plain["bundle"] = str(result.bundle)
    plain["not_here"] = dict(result.not_here)
    plain["decision"] = result.decision.value if result.decision else None
    plain["exit_code"] = result.exit_code
    for one, data in zip(result.results, plain["results"], strict=True):
        data["decision"] = one.decision.value if one.decision else None
    return plain

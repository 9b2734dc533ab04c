"""Latency round by round: how much the rounds differ, and which way they went."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from edgewright.latency.results import Row
from edgewright.reporting import axes, words
from edgewright.reporting.axes import Axis
from edgewright.reporting.facts import Facts

STEP, TOP, LEFT = 30, 12, 260


@dataclass(frozen=True, slots=True, kw_only=True)
class Strip:
    """One name's rounds, in the order they ran. All times are relative to ``middle_ns``."""

    name: str
    format: str
    middle_ns: float
    medians_ns: tuple[float, ...]
    interval_ns: tuple[float, float] | None = None
    again: bool = False


def strips(facts: Facts) -> Markup | str:
    """Each strip is scaled to its own median; a baseline's second name to its first's."""
    found = list(_strips(facts))
    if not found:
        return ""
    ends = [v / s.middle_ns - 1 for s in found for v in (*s.medians_ns, *(s.interval_ns or ()))]
    spread = max(0.02, 1.08 * max(abs(end) for end in ends))
    axis = Axis(low=-spread, high=spread, start=LEFT, end=axes.WIDTH - 40)
    bottom = TOP + STEP * len(found)
    parts = [_scale(axis, tick, bottom) for tick in axis.ticks()]
    for i, strip in enumerate(found):
        parts += _draw(strip, axis, TOP + STEP * (i + 0.5))
    middle = (axis.start + axis.end) / 2
    parts.append(axes.text(middle, bottom + 38, "from the artifact's own median", "axis"))
    return axes.svg(parts, bottom + 48, "Latency round by round")


def _strips(facts: Facts) -> Iterator[Strip]:
    names = [(r.artifact, r.runtime, r.threads) for r in facts.rows]
    for row in facts.rows:
        if len(row.summary.round_medians_ns) < 2 or row.summary.median_ns <= 0:
            continue
        name = f"{words.short(row.artifact)} {row.runtime}"
        if row.threads > 1:
            name += f" x{row.threads}"
        if names.count((row.artifact, row.runtime, row.threads)) > 1:
            name += f" {row.target.rpartition(':')[2]}"
        yield Strip(
            name=name,
            format=row.format,
            middle_ns=row.summary.median_ns,
            medians_ns=row.summary.round_medians_ns,
            interval_ns=row.summary.median_interval_ns,
        )
        for medians in _again(facts, row):
            yield Strip(
                name="the same file again",
                format=row.format,
                middle_ns=row.summary.median_ns,
                medians_ns=medians,
                again=True,
            )


def _again(facts: Facts, row: Row) -> list[tuple[float, ...]]:
    ours = (row.artifact, row.runtime, row.target, row.threads)
    return [
        a.round_medians_ns
        for a in facts.again
        if (a.artifact, a.runtime, a.target, a.threads) == ours
    ]


def _scale(axis: Axis, tick: float, bottom: float) -> Markup:
    kind = "grid" if tick else "grid zero"
    x = axis.at(tick)
    sign = f"{tick * 100:+g} %" if tick else "0"
    return axes.line(kind, x, x, TOP, bottom) + axes.text(x, bottom + 18, sign, "tick")


def _draw(strip: Strip, axis: Axis, y: float) -> Iterator[Markup]:
    soft = " soft" if strip.again else ""
    yield axes.text(LEFT - 14, y + 4, strip.name, f"name{soft}")
    kind = axes.COLOURS.get(strip.format, "a")
    if strip.interval_ns is not None:
        left, right = (axis.at(end / strip.middle_ns - 1) for end in strip.interval_ns)
        form = '<rect class="band {}" x="{:g}" y="{:g}" width="{:g}" height="20" rx="3"/>'
        yield Markup(form).format(kind, left, y - 10, max(1.0, right - left))
    for order, (value, offset) in enumerate(
        zip(strip.medians_ns, _offsets(strip.medians_ns), strict=True)
    ):
        title = f"{strip.name}, round {order + 1}: {words.time(value)}"
        x = axis.at(value / strip.middle_ns - 1)
        yield axes.dot(f"{kind}{' hollow' if strip.again else ''}", x, y + offset, 3.5, title)


def _offsets(values: Sequence[float]) -> list[float]:
    """Top to bottom in the order they ran."""
    last = max(1, len(values) - 1)
    return [round((order / last - 0.5) * 16, 1) for order in range(len(values))]

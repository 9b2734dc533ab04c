"""A sustained run: latency against time, and the temperature beside it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from markupsafe import Markup

from edgewright.latency.results import Row
from edgewright.reporting import axes, words
from edgewright.reporting.axes import Axis
from edgewright.reporting.facts import Facts

HEIGHT, TOP, BOTTOM, LEFT, RIGHT = 320, 34, 52, 84, 72
TEMPERATURE = "temperature_c"


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """``note`` says so where no temperature could be read."""

    name: str
    chart: Markup
    note: str


def timelines(facts: Facts) -> Iterator[Timeline]:
    for row in facts.rows:
        if len(row.timeline) > 1:
            heat = _heat(row)
            yield Timeline(
                name=f"{row.artifact} in {row.runtime}",
                chart=_chart(row, heat),
                note="" if heat else "The temperature is unknown here: no sensor was found.",
            )


def _heat(row: Row) -> list[tuple[float, float]]:
    """(seconds, degrees) of each reading."""
    found = []
    for reading in row.during:
        seconds, degrees = reading.get("seconds"), reading.get(TEMPERATURE)
        if isinstance(seconds, int | float) and isinstance(degrees, int | float):
            found.append((float(seconds), float(degrees)))
    return found


def _chart(row: Row, heat: list[tuple[float, float]]) -> Markup:
    xs = [p.seconds for p in row.timeline] + [seconds for seconds, _ in heat]
    ys = [p.median_ns for p in row.timeline]
    x = Axis(low=0, high=max(xs) or 1, start=LEFT, end=axes.WIDTH - RIGHT)
    y = Axis(low=min(ys) * 0.9, high=max(ys) * 1.1, start=HEIGHT - BOTTOM, end=TOP)
    parts = [
        axes.frame(
            x,
            y,
            x_name="seconds since the first call",
            y_name="median of one call",
            x_text=lambda v: f"{v:g}",
            y_text=words.tick,
        ),
        axes.path("line", [(x.at(p.seconds), y.at(p.median_ns)) for p in row.timeline]),
    ]
    if heat:
        parts += _heat_line(heat, x, y)
    return axes.svg(parts, HEIGHT, f"{row.artifact} in {row.runtime} over time")


def _heat_line(heat: list[tuple[float, float]], x: Axis, y: Axis) -> Iterator[Markup]:
    degrees = [d for _, d in heat]
    axis = Axis(low=min(degrees) - 2, high=max(degrees) + 2, start=y.start, end=y.end)
    yield axes.path("heat-line", [(x.at(seconds), axis.at(d)) for seconds, d in heat])
    for tick in axis.ticks():
        yield axes.text(x.end + 8, axis.at(tick) + 4, f"{tick:g} °C", "tick start warm")
    yield axes.text(axes.WIDTH - 4, y.end - 12, "temperature", "axis end warm")

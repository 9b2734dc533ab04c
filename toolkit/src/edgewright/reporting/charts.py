"""Charts as inline SVG: few marks, named axes with units, a ``<title>`` on every mark.

Colours are classes of the page's style, so that light, dark and print each get their own.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

WIDTH, HEIGHT = 720, 360
LEFT, RIGHT, TOP, BOTTOM = 76, 24, 16, 48
FORMATS = {"tflite": "a", "onnx": "b", "tfjs": "c"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """One point: ``size`` is an area (bytes), ``kind`` a format, ``front`` on the Pareto front."""

    x: float
    y: float
    size: float
    kind: str
    label: str
    title: str
    front: bool = False
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """Values to pixels; ``log`` for times that span decades."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def at(self, value: float) -> float:
        low, high, v = self.low, self.high, value
        if self.log:
            low, high, v = math.log10(low), math.log10(high), math.log10(max(value, self.low))
        part = (v - low) / (high - low) if high > low else 0.5
        return round(self.start + part * (self.end - self.start), 1)

    def ticks(self) -> list[float]:
        return _log_ticks(self.low, self.high) if self.log else _ticks(self.low, self.high)


def scatter(
    marks: Sequence[Mark], *, x_name: str, y_name: str, x_text: Callable[[float], str]
) -> Markup:
    """Accuracy against latency; bubbles by size, the Pareto front as a line."""
    x_axis, y_axis = _axes(marks)
    largest = max(m.size for m in marks)
    parts = [_frame(x_axis, y_axis, x_name, y_name, x_text)]
    front = sorted((m for m in marks if m.front), key=lambda m: m.x)
    if len(front) > 1:
        line = " ".join(f"{x_axis.at(m.x)},{y_axis.at(m.y)}" for m in front)
        parts.append(Markup('<polyline class="front" points="{}"/>').format(line))
    placed: list[tuple[float, float]] = []
    for mark in sorted(marks, key=lambda m: -m.size):
        parts.append(_bubble(mark, x_axis, y_axis, largest))
    for mark in sorted(marks, key=lambda m: m.x):
        parts.append(_label(mark, x_axis.at(mark.x), y_axis.at(mark.y), placed))
    return _svg(parts, HEIGHT, f"{y_name} against {x_name}")


def strips(
    rows: Sequence[tuple[str, str, Sequence[float]]], *, x_text: Callable[[float], str], x_name: str
) -> Markup:
    """One line for each (name, format, medians of the rounds in the order they ran).

    Each line is scaled to its own median: what is shown is how much the rounds differ.
    """
    parts: list[Markup] = []
    height = 34 * len(rows) + 44
    spread = max(0.05, *(abs(v / _median(vs) - 1) for _, _, vs in rows for v in vs))
    axis = Axis(low=1 - spread, high=1 + spread, start=190, end=WIDTH - 30)
    for i, (name, kind, values) in enumerate(rows):
        y, middle = 24 + 34 * i, _median(values)
        parts.append(Markup('<text class="name" x="180" y="{}">{}</text>').format(y + 4, name))
        parts.append(
            Markup('<line class="grid" x1="{}" x2="{}" y1="{y}" y2="{y}"/>').format(
                axis.start, axis.end, y=y
            )
        )
        for order, value in enumerate(values):
            title = f"round {order + 1}: {x_text(value)}"
            offset = (order / max(1, len(values) - 1) - 0.5) * 16
            parts.append(
                Markup(
                    '<circle class="mark {}" cx="{}" cy="{}" r="4"><title>{}</title></circle>'
                ).format(FORMATS.get(kind, "a"), axis.at(value / middle), y + offset, title)
            )
    for tick in (1 - spread, 1 - spread / 2, 1.0, 1 + spread / 2, 1 + spread):
        parts.append(
            Markup('<text class="tick" x="{}" y="{}">{:+.1f} %</text>').format(
                axis.at(tick), height - 22, (tick - 1) * 100
            )
        )
    parts.append(_axis_name(WIDTH / 2 + 80, height - 4, x_name))
    return _svg(parts, height, x_name)


def timeline(
    series: Sequence[tuple[float, float]],
    *,
    y_text: Callable[[float], str],
    x_name: str,
    y_name: str,
) -> Markup:
    """(seconds, nanoseconds) of a sustained run as one line."""
    xs, ys = [p[0] for p in series], [p[1] for p in series]
    x_axis = Axis(low=0, high=max(xs) or 1, start=LEFT, end=WIDTH - RIGHT)
    y_axis = Axis(low=min(ys) * 0.95, high=max(ys) * 1.05, start=HEIGHT - BOTTOM, end=TOP)
    line = " ".join(f"{x_axis.at(x)},{y_axis.at(y)}" for x, y in series)
    frame = _frame(x_axis, y_axis, x_name, y_name, lambda v: f"{v:g}", y_text)
    return _svg(
        [frame, Markup('<polyline class="line" points="{}"/>').format(line)], HEIGHT, y_name
    )


def _axes(marks: Sequence[Mark]) -> tuple[Axis, Axis]:
    xs, ys = [m.x for m in marks], [m.y for m in marks]
    ys += [v for m in marks for v in (m.low, m.high) if v is not None]
    pad = max((max(ys) - min(ys)) * 0.12, abs(max(ys)) * 0.002, 1e-9)
    x_axis = Axis(low=min(xs) / 1.4, high=max(xs) * 1.6, start=LEFT, end=WIDTH - RIGHT, log=True)
    return x_axis, Axis(low=min(ys) - pad, high=max(ys) + pad, start=HEIGHT - BOTTOM, end=TOP)


def _frame(
    x_axis: Axis,
    y_axis: Axis,
    x_name: str,
    y_name: str,
    x_text: Callable[[float], str],
    y_text: Callable[[float], str] = lambda v: f"{v:g}",
) -> Markup:
    parts = []
    for tick in y_axis.ticks():
        y = y_axis.at(tick)
        parts.append(
            Markup(
                '<line class="grid" x1="{x1}" x2="{x2}" y1="{y}" y2="{y}"/>'
                '<text class="tick end" x="{x0}" y="{ty}">{words}</text>'
            ).format(x1=x_axis.start, x2=x_axis.end, y=y, x0=LEFT - 8, ty=y + 4, words=y_text(tick))
        )
    for tick in x_axis.ticks():
        parts.append(
            Markup('<text class="tick" x="{}" y="{}">{}</text>').format(
                x_axis.at(tick), HEIGHT - BOTTOM + 18, x_text(tick)
            )
        )
    parts.append(_axis_name((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 8, x_name))
    middle = (TOP + HEIGHT - BOTTOM) / 2
    parts.append(
        Markup(
            '<text class="axis" transform="rotate(-90 14 {y})" x="14" y="{y}">{words}</text>'
        ).format(y=middle, words=y_name)
    )
    return Markup("").join(parts)


def _bubble(mark: Mark, x_axis: Axis, y_axis: Axis, largest: float) -> Markup:
    x, y = x_axis.at(mark.x), y_axis.at(mark.y)
    radius = round(4 + 14 * math.sqrt(mark.size / largest), 1)
    bar = Markup("")
    if mark.low is not None and mark.high is not None:
        bar = Markup('<line class="bar" x1="{x}" x2="{x}" y1="{a}" y2="{b}"/>').format(
            x=x, a=y_axis.at(mark.low), b=y_axis.at(mark.high)
        )
    return bar + Markup(
        '<circle class="mark {}{}" cx="{}" cy="{}" r="{}"><title>{}</title></circle>'
    ).format(FORMATS.get(mark.kind, "a"), " on" if mark.front else "", x, y, radius, mark.title)


def _label(mark: Mark, x: float, y: float, placed: list[tuple[float, float]]) -> Markup:
    """Beside its mark, moved down until it is clear of the labels before it."""
    left = x > WIDTH - 160
    at_x = x - 14 if left else x + 14
    at_y = y + 4
    while any(abs(at_y - py) < 13 and abs(at_x - px) < 110 for px, py in placed):
        at_y += 13
    placed.append((at_x, at_y))
    kind = "label end" if left else "label"
    return Markup('<text class="{}" x="{}" y="{}">{}</text>').format(kind, at_x, at_y, mark.label)


def _axis_name(x: float, y: float, words: str) -> Markup:
    return Markup('<text class="axis" x="{}" y="{}">{}</text>').format(x, y, words)


def _svg(parts: Sequence[Markup], height: float, name: str) -> Markup:
    return Markup(
        '<svg viewBox="0 0 {} {}" role="img" aria-label="{}"><title>{}</title>{}</svg>'
    ).format(WIDTH, height, escape(name), name, Markup("").join(parts))


def _ticks(low: float, high: float) -> list[float]:
    """About five round numbers between."""
    span = high - low
    if span <= 0:
        return [low]
    step = 10 ** math.floor(math.log10(span / 4))
    step *= next(f for f in (1, 2, 5, 10) if span / (step * f) <= 6)
    first = math.ceil(low / step)
    return [round(k * step, 10) for k in range(first, math.floor(high / step) + 1)]


def _log_ticks(low: float, high: float) -> list[float]:
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    steps = (1, 2, 5) if high / low < 200 else (1,)
    return [s * 10.0**d for d in decades for s in steps if low <= s * 10.0**d <= high]


def _median(values: Sequence[float]) -> float:
    ordered = sorted(values)
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2

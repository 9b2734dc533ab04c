"""What every chart shares: axes, ticks, the frame, and the ``<svg>`` round it.

Charts are inline SVG: few marks, named axes with units, a ``<title>`` on every mark. Colours are
classes of the page's style, so that light, dark and print each get their own.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from markupsafe import Markup

WIDTH = 860
COLOURS = {"tflite": "a", "onnx": "b", "tfjs": "c"}

Text = Callable[[float], str]


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


def frame(x: Axis, y: Axis, *, x_name: str, y_name: str, x_text: Text, y_text: Text) -> Markup:
    """Grid, tick words and the names of both axes."""
    parts = [_level(x, y.at(tick), y_text(tick)) for tick in y.ticks()]
    bottom = y.start
    parts += [text(x.at(tick), bottom + 18, x_text(tick), "tick") for tick in x.ticks()]
    parts.append(text((x.start + x.end) / 2, bottom + 40, x_name, "axis"))
    parts.append(text(x.start - 58, y.end - 12, y_name, "axis start"))
    return Markup("").join(parts)


def _level(x: Axis, y: float, words: str) -> Markup:
    return line("grid", x.start, x.end, y, y) + text(x.start - 8, y + 4, words, "tick end")


def text(x: float, y: float, words: str, kind: str) -> Markup:
    return Markup('<text class="{}" x="{:g}" y="{:g}">{}</text>').format(kind, x, y, words)


def line(kind: str, x1: float, x2: float, y1: float, y2: float) -> Markup:
    form = '<line class="{}" x1="{:g}" x2="{:g}" y1="{:g}" y2="{:g}"/>'
    return Markup(form).format(kind, x1, x2, y1, y2)


def path(kind: str, points: Iterable[tuple[float, float]]) -> Markup:
    words = " ".join(f"{x:g},{y:g}" for x, y in points)
    return Markup('<polyline class="{}" points="{}"/>').format(kind, words)


def dot(kind: str, x: float, y: float, radius: float, title: str) -> Markup:
    form = '<circle class="mark {}" cx="{:g}" cy="{:g}" r="{:g}"><title>{}</title></circle>'
    return Markup(form).format(kind, x, y, radius, title)


def svg(parts: Iterable[Markup], height: float, name: str) -> Markup:
    form = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {} {:g}" role="img">'
    body = Markup("").join(parts)
    return Markup(form).format(WIDTH, height) + Markup("<title>{}</title>{}</svg>").format(
        name, body
    )


def _ticks(low: float, high: float) -> list[float]:
    """About five round numbers between."""
    span = high - low
    if not 0 < span < math.inf:
        return [low]
    step = 10.0 ** math.floor(math.log10(span / 4))
    step *= next(f for f in (1, 2, 5, 10, 20) if span / (step * f) <= 6)
    first = math.ceil(low / step)
    return [round(k * step, 12) for k in range(first, math.floor(high / step) + 1)]


def _log_ticks(low: float, high: float) -> list[float]:
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    steps = (1, 2, 5) if high / low < 200 else (1,)
    return [s * 10.0**d for d in decades for s in steps if low <= s * 10.0**d <= high]

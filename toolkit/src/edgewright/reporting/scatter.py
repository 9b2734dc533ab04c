"""Accuracy against latency: bubbles by size, bars by interval, the Pareto front as a line."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from markupsafe import Markup

from edgewright.reporting import axes, words
from edgewright.reporting.axes import Axis
from edgewright.reporting.facts import Facts, Point

HEIGHT, TOP, BOTTOM, LEFT, RIGHT = 430, 34, 52, 72, 28
LETTER = 6.3  # pixels of a letter at the label's 11.5
CROWD = 14  # more bubbles than this: only those on the front are sure of a label


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: Box) -> bool:
        apart = self.right <= other.left or other.right <= self.left
        return not (apart or self.bottom <= other.top or other.bottom <= self.top)

    def inside(self, other: Box) -> bool:
        across = other.left <= self.left and self.right <= other.right
        return across and other.top <= self.top and self.bottom <= other.bottom


@dataclass(frozen=True, slots=True, kw_only=True)
class Bubble:
    """A point in pixels. ``low`` and ``high`` are the ends of its bar."""

    point: Point
    x: float
    y: float
    radius: float
    low: float | None
    high: float | None
    front: bool
    label: str

    @property
    def box(self) -> Box:
        r = self.radius + 1
        return Box(left=self.x - r, top=self.y - r, right=self.x + r, bottom=self.y + r)


def scatter(facts: Facts) -> Markup | str:
    """Nothing for fewer than two points: there is no trade to see."""
    points = facts.points
    if len(points) < 2:
        return ""
    x, y = _axes(points)
    bubbles = _bubbles(facts, x, y)
    score = points[0].score
    parts = [
        axes.frame(
            x,
            y,
            x_name="median latency of one call (log scale; left is faster)",
            y_name=f"{words.title(score.metric)} ({score.better} is better)",
            x_text=words.tick,
            y_text=lambda v: f"{v * 100:.5g} %" if score.proportion else f"{v:.5g}",
        )
    ]
    if score.source is not None:
        level = y.at(score.source)
        parts.append(axes.line("source", x.start, x.end, level, level))
        parts.append(axes.text(x.end - 4, level - 5, "source", "tick end"))
    for target in facts.targets:
        here = (b for b in bubbles if b.front and b.point.row.target == target)
        front = sorted(here, key=lambda b: b.x)
        if len(front) > 1:
            parts.append(axes.path("front", [(b.x, b.y) for b in front]))
    parts += [_draw(b) for b in sorted(bubbles, key=lambda b: -b.radius)]
    parts += _labels(bubbles, x, y)
    return axes.svg(parts, HEIGHT, f"{score.metric} against median latency")


def ends(point: Point) -> tuple[float, float] | None:
    """The interval of the change, laid on the source's value: where the artifact's may be."""
    s = point.score
    if s.source is None or s.low is None or s.high is None:
        return None
    unit = 1.0 if s.proportion else abs(s.source)
    return s.source + s.low * unit, s.source + s.high * unit


def _axes(points: Sequence[Point]) -> tuple[Axis, Axis]:
    xs = [max(p.row.summary.median_ns, 1.0) for p in points]
    ys = [p.score.artifact or 0.0 for p in points]
    ys += [end for p in points for end in ends(p) or ()]
    ys += [p.score.source for p in points if p.score.source is not None]
    pad = max((max(ys) - min(ys)) * 0.08, abs(max(ys)) * 0.002, 1e-9)
    x = Axis(low=min(xs) / 1.35, high=max(xs) * 1.5, start=LEFT, end=axes.WIDTH - RIGHT, log=True)
    return x, Axis(low=min(ys) - pad, high=max(ys) + pad, start=HEIGHT - BOTTOM, end=TOP)


def _bubbles(facts: Facts, x: Axis, y: Axis) -> list[Bubble]:
    points, front = facts.points, facts.front
    largest = max(p.artifact.size_bytes for p in points) or 1
    labels = _names(points)
    found = []
    for p, label in zip(points, labels, strict=True):
        bar = ends(p)
        found.append(
            Bubble(
                point=p,
                x=x.at(p.row.summary.median_ns),
                y=y.at(p.score.artifact or 0.0),
                radius=round(4 + 12 * math.sqrt(p.artifact.size_bytes / largest), 1),
                low=None if bar is None else y.at(bar[0]),
                high=None if bar is None else y.at(bar[1]),
                front=p.name in front,
                label=words.short(label),
            )
        )
    return found


def _names(points: Sequence[Point]) -> list[str]:
    """As short as tells them apart: the artifact, its runtime, its target."""
    artifacts = [p.artifact.name for p in points]
    runtimes = [p.name[:2] for p in points]
    return [
        p.artifact.name
        + f" {p.row.runtime}" * (artifacts.count(p.artifact.name) > 1)
        + f" {p.row.target.rpartition(':')[2]}" * (runtimes.count(p.name[:2]) > 1)
        for p in points
    ]


def _draw(b: Bubble) -> Markup:
    p = b.point
    title = (
        f"{p.artifact.name} in {p.row.runtime} on {p.row.target}: "
        f"{p.score.metric} {words.value(p.score)} "
        f"({words.change(p.score)}), {words.time(p.row.summary.median_ns)}, "
        f"{words.size(p.artifact.size_bytes)}"
    )
    kind = axes.COLOURS.get(p.artifact.format, "a") + (" on" if b.front else "")
    bar = Markup("")
    if b.low is not None and b.high is not None:
        bar = axes.line(f"bar {kind}", b.x, b.x, b.low, b.high)
    return bar + axes.dot(kind, b.x, b.y, b.radius, title)


def _labels(bubbles: Sequence[Bubble], x: Axis, y: Axis) -> list[Markup]:
    """Each where it covers no bubble and no other label; in a crowd, left out where none is."""
    page = Box(left=x.start, top=y.end - 4, right=x.end + RIGHT, bottom=y.start)
    taken = [b.box for b in bubbles]
    source = bubbles[0].point.score.source
    if source is not None:
        level = y.at(source)
        taken.append(Box(left=x.end - 46, top=level - 16, right=x.end, bottom=level))
    parts = []
    for b in sorted(bubbles, key=lambda b: (not b.front, b.x)):
        places = list(_places(b))
        free = (p for p in places if p.inside(page) and not any(p.meets(t) for t in taken))
        box = next(free, None)
        if box is None and len(bubbles) > CROWD and not b.front:
            continue
        box = box or places[0]
        taken.append(replace(box, left=box.left + 1))
        kind = "label on" if b.front else "label"
        parts.append(_leader(b, box) + axes.text(box.left, box.bottom - 3.5, b.label, kind))
    return parts


def _places(b: Bubble) -> Iterator[Box]:
    """Right, left, above, below; then the same further away."""
    width, height = LETTER * len(b.label), 14.0
    for off in range(0, 150, 10):
        gap = b.radius + 4
        for dx, dy in (
            (gap, -off - height / 2),
            (gap, off - height / 2),
            (-gap - width, -off - height / 2),
            (-gap - width, off - height / 2),
            (-width / 2, -gap - height - off),
            (-width / 2, gap + off),
        ):
            left, top = b.x + dx, b.y + dy
            yield Box(left=left, top=top, right=left + width, bottom=top + height)


def _leader(b: Bubble, box: Box) -> Markup:
    """A thin line to a label that had to move away."""
    middle = (box.top + box.bottom) / 2
    if abs(middle - b.y) <= b.radius + 16:
        return Markup("")
    end = box.left - 2 if box.left > b.x else box.right + 2 if box.right < b.x else b.x
    edge = box.bottom if middle < b.y else box.top
    return axes.line("leader", b.x, end, b.y, middle if end != b.x else edge)

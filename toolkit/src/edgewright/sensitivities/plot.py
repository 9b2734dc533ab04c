"""The plot of a sensitivity run: the signal-to-noise ratio that each change leaves.

One row a tensor (or a layer), the worst on top, one mark a trial: filled for 8 bits, hollow for
pruned weights, whose ratio is in the mark's title. The page that shows it brings the colours; a
file of its own brings them itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from markupsafe import Markup

from edgewright.reporting import axes
from edgewright.reporting.axes import Axis
from edgewright.sensitivities.results import SensitivityResult, Trial

STEP, TOP, LEFT = 22, 30, 300
ROWS = 30  # what a person reads
_NAME = 42  # characters that fit beside a row
STYLE = """<style>
svg{font:13px system-ui,sans-serif;background:#fff}text{fill:#333}.tick,.axis{fill:#666}
.name,.end{text-anchor:end}.tick{text-anchor:middle}.axis{text-anchor:middle}
.grid{stroke:#ddd}.a{fill:#0b6e8f}.b{fill:#b4540a}.hollow{fill:#fff;stroke:#b4540a}
</style>"""


def plot_svg(result: SensitivityResult, *, what: str = "quantize", alone: bool = False) -> str:
    """``what`` is ``quantize`` or ``prune``; ``alone`` for a file that no page styles.

    Empty where nothing was tried, or nothing changed the outputs.
    """
    rows = _rows([t for t in result.trials if t.what == what and t.sqnr_db is not None])
    if not rows:
        return ""
    values = [t.sqnr_db for trials in rows for t in trials if t.sqnr_db is not None]
    low, high = max(min(values), -20.0), max(values)
    axis = Axis(low=low - 2, high=high + 2, start=LEFT, end=axes.WIDTH - 30)
    bottom = TOP + STEP * len(rows)
    parts = [_scale(axis, tick, bottom) for tick in axis.ticks()]
    for place, trials in enumerate(rows):
        parts += _draw(axis, TOP + STEP * (place + 0.5), trials)
    middle = (axis.start + axis.end) / 2
    words = "signal to noise of the output, dB (left is worse)"
    parts.append(axes.text(middle, bottom + 38, words, "axis"))
    drawn = axes.svg(parts, bottom + 50, f"Sensitivity: {what}, {result.head.format}")
    return _styled(drawn) if alone else str(drawn)


def _rows(trials: Sequence[Trial]) -> list[list[Trial]]:
    """The trials of each tensor together, the worst first, as many as a person reads."""
    rows: dict[str, list[Trial]] = {}
    for trial in trials:  # ranked already
        rows.setdefault(trial.tensor, []).append(trial)
    return list(rows.values())[:ROWS]


def _scale(axis: Axis, tick: float, bottom: float) -> Markup:
    x = axis.at(tick)
    return axes.line("grid", x, x, TOP, bottom) + axes.text(x, bottom + 18, f"{tick:g}", "tick")


def _draw(axis: Axis, y: float, trials: Sequence[Trial]) -> Iterator[Markup]:
    yield axes.text(LEFT - 14, y + 4, _named(trials[0]), "name")
    for trial in trials:
        value = trial.sqnr_db or 0.0
        pruned = "" if trial.ratio is None else f", {trial.ratio:.0%} pruned"
        title = f"{trial.layer or trial.tensor}, {trial.kind}{pruned}: {value:.1f} dB"
        kind = "b hollow" if trial.ratio is not None else "b" if trial.kind == "weights" else "a"
        yield axes.dot(kind, axis.at(max(value, axis.low)), y, 4.5, title)


def _named(trial: Trial) -> str:
    words = f"{trial.layer or trial.tensor} {'weights' if trial.kind == 'weights' else ''}".strip()
    return words if len(words) <= _NAME else f"…{words[1 - _NAME :]}"


def _styled(drawn: Markup) -> str:
    head, tag, rest = str(drawn).partition("</title>")
    return head + tag + STYLE + rest

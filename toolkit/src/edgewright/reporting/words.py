"""Numbers as people read them: units, few digits, and never a number without its interval."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from edgewright.accuracy.intervals import Decision
from edgewright.accuracy.results import Score
from edgewright_runtimes.records import Plain

NOT_MEASURED = "not measured"
ABBREVIATIONS = {"mae": "MAE", "rmse": "RMSE", "r2": "R²", "auc": "ROC AUC", "roc_auc": "ROC AUC"}
UNITS = (("s", 1e9), ("ms", 1e6), ("µs", 1e3), ("ns", 1.0))
LONGEST = 34


def time(ns: float) -> str:
    """Nanoseconds in the unit that gives one to three digits before the point."""
    unit, size = _unit(ns)
    return f"{significant(ns / size)} {unit}"


def seconds(value: float) -> str:
    """How long something took: ``8.3 s``, ``2.5 min``."""
    return f"{value / 60:.1f} min" if value >= 90 else f"{value:.1f} s"


def tick(ns: float) -> str:
    """A round number at an axis: ``10 µs``."""
    unit, size = _unit(ns)
    return f"{ns / size:.4g} {unit}"


def span(interval_ns: tuple[float, float]) -> str:
    """``1.02..1.10 ms``: both ends in the unit of the higher."""
    unit, size = _unit(interval_ns[1])
    return f"{ends(interval_ns[0] / size, interval_ns[1] / size)} {unit}"


def ends(low: float, high: float) -> str:
    """Both with as many digits (3 to 6) as it takes to tell them apart."""
    for digits in (3, 4, 5, 6) if low != high else (3,):
        left, right = significant(low, digits), significant(high, digits)
        if left != right:
            break
    return f"{left}..{right}"


def significant(value: float, digits: int = 3) -> str:
    """``1.10``, ``99.0``, ``1,234``: never in powers of ten."""
    if value <= 0:
        return f"{value:g}"
    value = float(f"{value:.{digits}g}") if value < 10**digits else value
    whole = math.floor(math.log10(value)) + 1
    return f"{value:,.{min(9, max(0, digits - whole))}f}"


def _unit(ns: float) -> tuple[str, float]:
    return next(((u, s) for u, s in UNITS if ns >= 0.9995 * s), UNITS[-1])


def size(count: int | None) -> str:
    if count is None:
        return NOT_MEASURED
    for unit, step in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= step:
            return f"{count / step:.1f} {unit}"
    return f"{count} B"


def percent(part: float) -> str:
    return f"{part * 100:.2f} %"


def visible(part: float) -> str:
    """The smallest difference that would have been seen: 0.05 is 5 % more or less time."""
    if part >= 9:
        return "too noisy to see"
    return f"{part * 100:.2g} % is seen" if part < 1 else f"{1 + part:.1f} x is seen"


def value(score: Score, side: str = "artifact") -> str:
    number = score.source if side == "source" else score.artifact
    if number is None:
        return f"none: {score.reason}" if score.reason else "none"
    return percent(number) if score.proportion else f"{number:.4g}"


def change(score: Score) -> str:
    """``-0.50 (-1.47 to +0.14) points``, or why there is none."""
    if score.change is None or score.low is None or score.high is None:
        return score.reason
    unit = "points" if score.proportion else "% of the source"
    return f"{signed(score.change, score.low, score.high)} {unit}"


def signed(middle: float, low: float, high: float, unit: str = "") -> str:
    """Shares of one as ``-0.50 (-1.47..+0.14)``, in hundredths."""
    m, lo, hi = (f"{100 * v:+.2f}" if round(100 * v, 2) else "0.00" for v in (middle, low, high))
    return f"{m}{unit} ({lo}..{hi})"


def title(metric: str) -> str:
    return ABBREVIATIONS.get(metric) or metric[:1].upper() + metric[1:].replace("_", " ")


def short(name: str) -> str:
    """A name that fits a chart: its middle is what is left out."""
    return name if len(name) <= LONGEST else f"{name[:18]}…{name[-14:]}"


def some(names: Sequence[str], most: int = 12) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def pairs(values: Mapping[str, Plain]) -> str:
    return ", ".join(f"{key} {value}" for key, value in sorted(values.items())) or "not known"


def decided(decisions: Mapping[str, Decision | None], wanted: Decision) -> list[str]:
    return [name for name, found in decisions.items() if found is wanted]


def joined(names: Iterable[str]) -> str:
    return ", ".join(names)

"""Is one artifact faster than its baseline, and by how much?

Welch's interval at 99 % on the logarithms of the rounds' medians: one number per round, since
rounds (fresh processes), not samples, are what is drawn independently. The baseline is measured
twice under two names. The logarithm of that A/A pair's ratio, d, is what two names of one thing
differ by, and widens the half-width h of the interval to sqrt(h^2 + d^2): it can only grow.

``smallest_visible`` is the true difference that would have been called different in 9 of 10 such
runs: (t_99.5 + t_90) standard errors, widened as the interval is.

Not known here: an offset that all rounds of one name share and the A/A pair does not show, and
the step of the clock (a coarse one can make all rounds alike, and the interval too narrow).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgewright_runtimes.errors import BadInput
from edgewright_runtimes.statistics.drift import find_drift
from edgewright_runtimes.statistics.student import t_quantile
from edgewright_runtimes.statistics.summary import Summary

Rounds = Sequence[NDArray[np.int64]] | Sequence[NDArray[np.float64]]

LEVEL = 0.99
SEEN = 0.90


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """``ratio`` is new / base (0.5: twice as fast), ``low`` and ``high`` its 99 % interval.

    ``low``, ``high`` and ``smallest_visible`` are ``None`` where no interval can be given
    (``words`` says why). ``smallest_visible`` is a relative difference (0.02: 2 %).
    """

    ratio: float
    low: float | None
    high: float | None
    different: bool
    smallest_visible: float | None
    words: str


def compare(
    new: Summary | Rounds, base: Summary | Rounds, base_again: Summary | Rounds | None = None
) -> Comparison:
    """Compare ``new`` with ``base``: summaries, or rounds of nanoseconds *of one call*.

    ``base_again`` is the baseline measured a second time under another name. No interval is
    given where ``new`` or ``base`` drifts, or has fewer than two rounds. Raises ``BadInput`` for
    no rounds at all.
    """
    medians, base_medians = _log_medians(new), _log_medians(base)
    centre = float(medians.mean() - base_medians.mean())
    drifting = [name for name, one in (("it", new), ("the baseline", base)) if _drifts(one)]
    if drifting:
        return _without_interval(centre, f"{drifting[0]} was drifting: no comparison")
    if min(medians.size, base_medians.size) < 2:
        return _without_interval(centre, "one round each is no comparison: 8 are wanted")
    half, visible = _half_widths(medians, base_medians)
    if base_again is not None:
        apart = float(base_medians.mean() - _log_medians(base_again).mean())
        half, visible = math.hypot(half, apart), visible + math.hypot(half, apart) - half
    return _in_words(centre, half, visible)


def _log_medians(one: Summary | Rounds) -> NDArray[np.float64]:
    if isinstance(one, Summary):
        medians = list(one.round_medians_ns)
    else:
        medians = [float(np.median(values)) for values in one]
    if not medians:
        raise BadInput("no rounds to compare; at least one each is needed")
    return np.log(np.maximum(medians, 1e-3))


def _drifts(one: Summary | Rounds) -> bool:
    if isinstance(one, Summary):
        return one.drifting
    return find_drift([np.asarray(values, dtype=np.float64) for values in one]).found


def _half_widths(a: NDArray[np.float64], b: NDArray[np.float64]) -> tuple[float, float]:
    """Half of Welch's interval, and the difference that is seen in 9 of 10 (Welch 1947)."""
    share_a, share_b = float(a.var(ddof=1)) / a.size, float(b.var(ddof=1)) / b.size
    error = math.sqrt(share_a + share_b)
    if error == 0.0:
        return 0.0, 0.0
    df = (share_a + share_b) ** 2 / (share_a**2 / (a.size - 1) + share_b**2 / (b.size - 1))
    half = t_quantile((1 + LEVEL) / 2, df) * error
    return half, half + t_quantile(SEEN, df) * error


def _without_interval(centre: float, words: str) -> Comparison:
    return Comparison(
        ratio=math.exp(centre),
        low=None,
        high=None,
        different=False,
        smallest_visible=None,
        words=words,
    )


def _in_words(centre: float, half: float, visible: float) -> Comparison:
    different = abs(centre) > half
    low, high = math.exp(centre - half), math.exp(centre + half)
    smallest = math.expm1(visible)
    if different:
        way = "slower" if centre > 0 else "faster"
        words = f"{_times(centre)} {way} ({low:.3f} to {high:.3f} of the baseline's time)"
    elif smallest >= 1.0:
        words = "no measurable difference; twice the time would not have been seen: more rounds"
    else:
        words = f"no measurable difference; {smallest:.1%} or more would have been seen"
    return Comparison(
        ratio=math.exp(centre),
        low=low,
        high=high,
        different=different,
        smallest_visible=smallest,
        words=words,
    )


def _times(centre: float) -> str:
    """``3.2 %`` below a half, ``2.10 x`` above: how people say it."""
    size = abs(centre)
    return f"{math.exp(size):.2f} x" if size >= math.log(1.5) else f"{abs(math.expm1(centre)):.1%}"

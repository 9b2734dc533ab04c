"""What the samples of one artifact say: median with its interval, tails with their bounds.

Knows: rounds of samples. Does *not* know: sensors, presets or targets (``verdict`` does).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

TAILS = (0.90, 0.95, 0.99)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tail:
    """A quantile of the latency of one call, and what it is at most.

    ``value_ns`` is the sample quantile, ``bound_ns`` its 99 % upper bound, or ``None`` with the
    ``reason``. ``of_calls`` > 1: samples are means of so many calls, and so is this quantile.
    """

    p: float
    value_ns: float
    bound_ns: float | None
    effective_n: int
    reason: str = ""
    of_calls: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """Statistics of one artifact under one name; all times are nanoseconds of one call.

    ``median_interval_ns`` and ``Tail.bound_ns`` are ``None`` where they can't be given; ``reasons``
    says why, and what was found (autocorrelation, rounds that differ, drift).
    ``total_seconds`` is the time inside the samples, all calls counted.
    """

    n: int
    rounds: int
    effective_n: int
    calls_per_sample: int  # the largest of the rounds'
    median_ns: float
    median_interval_ns: tuple[float, float] | None
    round_medians_ns: tuple[float, ...]
    tails: tuple[Tail, ...]
    mean_ns: float
    min_ns: float
    max_ns: float
    total_seconds: float
    drifting: bool
    noisy: bool
    reasons: tuple[str, ...] = ()


def summarize(
    rounds: Sequence[NDArray[np.int64]],
    *,
    calls_per_sample: int | Sequence[int],
    tails: Sequence[float] = TAILS,
) -> Summary:
    """Sum up ``rounds`` in the order they ran: int64 [samples] of nanoseconds each, no warm-up.

    ``calls_per_sample``: one for all rounds, or one per round.
    """
    raise NotImplementedError

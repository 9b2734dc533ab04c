"""Does the latency move while it is measured? Then one number for it would be a fiction.

Three tests, each two-sided; drift is called where one finds a trend *and* the trend moves the
latency by 1 % or more (a smaller one is inside what anybody acts on, and the interval covers it):

- across rounds: the slope of the rounds' mean ranks over their order;
- within rounds: the mean over the rounds of the slope of ranks inside a round (a board that
  heats up in each round and cools down between them);
- Mann-Kendall on the rounds' medians, exact, for what rises or falls without being straight.

The first two are t tests on one number per round, so they hold under any dependence inside a
round and under rounds that differ. Where the rounds scatter about the trend no more than their
samples explain (autocorrelation included, if it is short), the samples' variance is used too,
which sees a trend two thirds as large. One round alone (``sustained``) is cut into 8 blocks of
time. Two or three rounds are not tested.

Size: 1 % to 1.5 % of stationary runs are called drifting; up to 3.5 % where rounds differ by a
tenth of the samples' spread, too little for the scatter to show. Not seen: a cycle, a step in the
middle of the run, and a trend that the rounds' own differences hide.
benchmarks/statistics_truth.py prints all of it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from edgewright_runtimes.statistics.dependence import autocorrelation_time, ranks
from edgewright_runtimes.statistics.student import f_tail, t_tail

LEVEL_ACROSS, LEVEL_WITHIN, LEVEL_ORDER = 0.01, 0.003, 0.002  # two-sided
LEAST_CHANGE = 0.01
POOL_ABOVE = 0.10  # pool the samples' variance only where the F test is this unimpressed
LONG_ENOUGH = 30  # autocorrelation times in a round, for their length to be known
TAU_MARGIN = 1.2  # taking a line out of a round takes a little of its autocorrelation too
BLOCKS = 8
LEAST_ROUNDS = 4
LEAST_SAMPLES = 4  # in the shortest round


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """``across``: relative change from the first round to the last; ``within``: in one round.

    Each is ``None`` where no trend was found, or one under 1 %.
    """

    across: float | None
    within: float | None
    tested: bool

    @property
    def found(self) -> bool:
        return self.across is not None or self.within is not None


def find_drift(rounds: Sequence[NDArray[np.float64]]) -> Drift:
    """Test rounds in the order they ran: float64 [samples] of positive times each."""
    blocks = list(rounds)
    if len(blocks) == 1:
        blocks = list(np.array_split(blocks[0], BLOCKS))
    if len(blocks) < LEAST_ROUNDS or min(b.size for b in blocks) < LEAST_SAMPLES:
        return Drift(across=None, within=None, tested=False)
    places = ranks(blocks)
    slopes, flat = _straighten(places)
    noise = _noise(flat)
    logs = np.log([max(float(np.median(b)), 1.0) for b in blocks])
    across = _across(places, noise) < LEVEL_ACROSS or mann_kendall(logs) < LEVEL_ORDER
    within = _within(slopes, blocks, noise) < LEVEL_WITHIN
    return Drift(
        across=_if_large(_change_across(logs)) if across else None,
        within=_if_large(_change_within(blocks)) if within else None,
        tested=True,
    )


def _straighten(
    places: Sequence[NDArray[np.float64]],
) -> tuple[NDArray[np.float64], list[NDArray[np.float64]]]:
    """The slope of each round's ranks over its time (-1/2 to 1/2), and what is left of them."""
    slopes, flat = [], []
    for values in places:
        time = _time(values.size)
        slope = float((time * values).sum() / (time**2).sum())
        slopes.append(slope)
        flat.append(values - values.mean() - slope * time)
    return np.array(slopes), flat


def _time(count: int) -> NDArray[np.float64]:
    return (np.arange(count) - (count - 1) / 2) / count


def _noise(flat: Sequence[NDArray[np.float64]]) -> tuple[float, int] | None:
    """What one sample adds to the variance of a sum, and its degrees of freedom.

    ``None`` where the autocorrelation reaches too far to be known from rounds of this length.
    """
    df = sum(values.size - 2 for values in flat)
    tau = autocorrelation_time(flat)
    if tau is not None and tau * LONG_ENOUGH > df / len(flat):
        return None
    variance = sum(float((values**2).sum()) for values in flat) / df
    return variance * (1.0 if tau is None else tau * TAU_MARGIN), df


def _across(places: Sequence[NDArray[np.float64]], noise: tuple[float, int] | None) -> float:
    """p-value of the slope of the rounds' mean ranks, weighted by their samples."""
    weights = np.array([values.size for values in places], dtype=np.float64)
    means = np.array([values.mean() for values in places])
    time = np.arange(len(places), dtype=np.float64)
    time -= (weights * time).sum() / weights.sum()
    spread = float((weights * time**2).sum())
    slope = float((weights * time * means).sum()) / spread
    left = means - (weights * means).sum() / weights.sum() - slope * time
    df = len(places) - 2
    scatter = float((weights * left**2).sum()) / df
    return _p_value(slope * math.sqrt(spread), scatter, df, noise)


def _within(
    slopes: NDArray[np.float64],
    blocks: Sequence[NDArray[np.float64]],
    noise: tuple[float, int] | None,
) -> float:
    """p-value of the mean of the rounds' own slopes."""
    weights = np.array([float((_time(b.size) ** 2).sum()) for b in blocks])
    mean = float((weights * slopes).sum() / weights.sum())
    df = slopes.size - 1
    scatter = float((weights * (slopes - mean) ** 2).sum()) / df
    return _p_value(mean * math.sqrt(weights.sum()), scatter, df, noise)


def _p_value(effect: float, scatter: float, df: int, noise: tuple[float, int] | None) -> float:
    """Two-sided p of ``effect``, whose variance is that of one sample: between rounds or pooled."""
    variance = scatter
    if noise is not None and noise[0] > 0 and f_tail(scatter / noise[0], df, noise[1]) > POOL_ABOVE:
        variance = (scatter * df + noise[0] * noise[1]) / (df + noise[1])
        df += noise[1]
    if variance <= 0.0:
        return 0.0 if effect else 1.0
    return 2 * t_tail(abs(effect) / math.sqrt(variance), df)


def mann_kendall(values: NDArray[np.float64]) -> float:
    """Two-sided exact p-value of the values' order against time (Kendall 1938); ties count 0."""
    later, earlier = np.triu_indices(values.size, 1)
    score = abs(int(np.sign(values[earlier] - values[later]).sum()))
    return min(1.0, 2 * _kendall_tail(values.size, score))


@lru_cache(maxsize=1024)
def _kendall_tail(count: int, score: int) -> float:
    """P(S >= score) over all orders of ``count`` values, from the number of inversions."""
    ways = np.ones(1)
    for size in range(2, count + 1):
        ways = np.convolve(ways, np.full(size, 1.0 / size))
    pairs = count * (count - 1) // 2
    return float(ways[: (pairs - score) // 2 + 1].sum())


def _change_across(logs: NDArray[np.float64]) -> float:
    """First to last round, by Theil and Sen's median of slopes."""
    first, second = np.triu_indices(logs.size, 1)
    slope = np.median((logs[second] - logs[first]) / (second - first))
    return math.expm1(float(slope) * (logs.size - 1))


def _change_within(blocks: Sequence[NDArray[np.float64]]) -> float:
    """Beginning to end of a round: twice the step between the medians of its halves."""
    steps = [
        math.log(max(float(np.median(b[b.size // 2 :])), 1.0))
        - math.log(max(float(np.median(b[: b.size // 2])), 1.0))
        for b in blocks
    ]
    return math.expm1(2 * float(np.median(steps)))


def _if_large(change: float) -> float | None:
    return change if abs(change) >= LEAST_CHANGE else None

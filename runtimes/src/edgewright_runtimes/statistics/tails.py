"""Upper bounds of p90, p95, p99: MLPerf LoadGen's early stopping, on the effective n.

Source: MLPerf inference policies, "Early stopping criterion", and loadgen/early_stopping.cc.
With n independent samples, the t-th largest is above the p-quantile with at least 99 % where
BinomCDF(t; n, 1-p) <= 0.01. LoadGen assumes independence; latencies seldom are. So n is the
effective n of ``dependence``, counted twice: on the ranks of the samples and on "is it above the
sample's p-quantile", because a tail can come in bursts that the body knows nothing of. The rank
t of n_eff becomes rank floor(t * n / n_eff) of the n samples: the same quantile of the sample
with the certainty of n_eff.

Rounds of ten thousand samples differ by nearly nothing and are found to, and the n_eff of 8 rounds
that differ is small. Nobody acts on less than 1 %, so where the rounds' own p-quantiles are apart
by less (s, the standard deviation of their logarithms), n_eff is that of autocorrelation alone,
and the bound is raised by what the rounds may hide instead: exp(t_99.5(rounds - 1) * s), 4 % at
most with 8 rounds. With t_99.5, not t_99, it holds its level also where rounds differ by five
times what their samples do (benchmarks/statistics_truth.py).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from edgewright_runtimes.statistics.dependence import Dependence, dependence
from edgewright_runtimes.statistics.student import binomial_cdf, t_quantile

MISS = 0.01  # a bound is below its quantile in at most this share of runs
SMALL = 0.01  # rounds that are less apart than this make a bound higher, not blank


@lru_cache(maxsize=65536)
def largest_rank(n: int, p: float) -> int:
    """The greatest t with BinomCDF(t; n, 1-p) <= 0.01; 0 where ``n`` carries no bound.

    It first reaches 1 at n = 11 (p50), 24 (p75), 64 (p90), 130 (p95), 662 (p99), 6636 (p99.9).
    """
    exceeding = 1.0 - p
    if binomial_cdf(1, n, exceeding) > MISS:
        return 0
    low, high = 1, n
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if binomial_cdf(middle, n, exceeding) <= MISS else (low, middle)
    return low


@lru_cache(maxsize=64)
def least_n(p: float) -> int:
    """The fewest independent samples that carry a bound of the ``p``-quantile."""
    high = 2
    while not largest_rank(high, p):
        high *= 2
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if largest_rank(middle, p) else (middle, high)
    return high


def quantile(ordered: NDArray[np.float64], p: float) -> float:
    """The ``p``-quantile of ascending values, always one of them (nearest rank)."""
    return float(ordered[max(0, math.ceil(p * ordered.size - 1e-9) - 1)])


def tail_dependence(
    rounds: Sequence[NDArray[np.float64]], ordered: NDArray[np.float64], p: float
) -> Dependence:
    """Dependence of the events "above the sample's p-quantile", round by round."""
    value = quantile(ordered, p)
    return dependence([(calls > value).astype(np.float64) for calls in rounds])


def spread(rounds: Sequence[NDArray[np.float64]], p: float) -> float:
    """How far apart the rounds' own ``p``-quantiles are, relative to them; 2 rounds at least."""
    own = [max(quantile(np.sort(values), p), 1e-3) for values in rounds]
    return float(np.log(own).std(ddof=1))


def independent_n(
    rounds: Sequence[NDArray[np.float64]], body: Dependence, own: Dependence, p: float
) -> tuple[int, float]:
    """The effective n that carries the bound, and the factor that raises it (1 or a little more).

    ``body`` is the dependence of the samples' ranks, ``own`` that of the events above the
    sample's ``p``-quantile.
    """
    if body.rounds_differ or own.rounds_differ:
        apart = spread(rounds, p)
        if apart < SMALL:
            raised = math.exp(t_quantile(1 - MISS / 2, len(rounds) - 1) * apart)
            return min(body.within_n, own.within_n), raised
    return min(body.effective_n, own.effective_n), 1.0


def bound(ordered: NDArray[np.float64], p: float, effective_n: int) -> float | None:
    """The 99 % upper bound of the ``p``-quantile, or ``None`` where ``effective_n`` is too few.

    ``ordered``: float64 [samples], ascending.
    """
    rank = largest_rank(effective_n, p)
    if not rank:
        return None
    of_all = math.floor(rank * ordered.size / effective_n)
    return float(ordered[ordered.size - of_all])

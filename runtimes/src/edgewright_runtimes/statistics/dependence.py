"""How many independent samples are these worth? Two tests and an effective n.

Within rounds: the autocorrelations r_k of the values about their round's mean (each raised by
1 / m for the mean that was taken out of m samples). z_K = sqrt(n / K) * (r_1 + ... + r_K) is
near normal for independent samples; any of K = 1, 4, 16 above 2 counts as found. Then
n_eff = n / tau with tau = 1 + 2 sum r_k, summed over Geyer's initial positive sequence
(Geyer 1992, Practical Markov chain Monte Carlo).

Between rounds: F = MS_between / (tau MS_within) above its 95 % point counts as found. Then
n_eff = n * variance / (MS_between * c): a quantile of all rounds together is as uncertain as the
mean of the rounds says. MS_between comes from few rounds, so c = (t_99(rounds - 1) / z_99)^2 widens
it, as t does for a mean.

The promise is that at most 1 % of all runs print a bound that is too low. Among runs whose rounds
differ so much that a bound is nearly always blank, the few that print one are the lucky ones.

Not known here: rounds that differ by less than the F test sees. At a tenth of the samples'
spread, where it sees half of them, bounds hold in 98.7 % instead of 99 %.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from edgewright_runtimes.statistics.student import f_tail, t_quantile

LAGS = (1, 4, 16)
FOUND_Z = 2.0
FOUND_P = 0.05
MOST_LAGS = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependence:
    """``effective_n`` is ``n`` where neither test finds anything, never more and at least 1.

    ``within_n`` is the same without what lies between the rounds: for autocorrelation alone.
    """

    n: int
    effective_n: int
    within_n: int
    autocorrelated: bool
    rounds_differ: bool


def dependence(rounds: Sequence[NDArray[np.float64]]) -> Dependence:
    """Test values, float64 [samples] per round, for autocorrelation and rounds that differ."""
    n = sum(values.size for values in rounds)
    everything = np.concatenate(rounds)
    variance = float(everything.var())
    if n < 3 or variance == 0.0:
        return Dependence(n=n, effective_n=n, within_n=n, autocorrelated=False, rounds_differ=False)
    tau = autocorrelation_time(rounds)
    effective = within = n / (tau or 1.0)
    between = _between(rounds, tau or 1.0)
    if between is not None:
        effective = min(effective, n * variance / between)
    return Dependence(
        n=n,
        effective_n=max(1, int(effective)),
        within_n=max(1, int(within)),
        autocorrelated=tau is not None,
        rounds_differ=between is not None,
    )


def ranks(rounds: Sequence[NDArray[np.float64]]) -> list[NDArray[np.float64]]:
    """The values' places among all of them, in (0, 1), ties sharing their mean place."""
    everything = np.concatenate(rounds)
    _, inverse, counts = np.unique(everything, return_inverse=True, return_counts=True)
    places = (np.cumsum(counts) - (counts - 1) / 2 - 0.5) / everything.size
    return np.split(places[inverse.reshape(-1)], np.cumsum([r.size for r in rounds])[:-1])


def autocorrelation_time(rounds: Sequence[NDArray[np.float64]]) -> float | None:
    """tau > 1, the samples one independent sample is worth, or ``None`` where none is found."""
    r = autocorrelations(rounds)
    n = sum(values.size for values in rounds)
    sums = np.cumsum(r)
    if not any(sums[k - 1] * np.sqrt(n / k) > FOUND_Z for k in LAGS if k <= r.size):
        return None
    from_zero = np.concatenate([[1.0], r])
    pairs = from_zero[: from_zero.size // 2 * 2].reshape(-1, 2).sum(axis=1)
    negative = np.flatnonzero(pairs <= 0)
    if negative.size:
        pairs = pairs[: negative[0]]
    return max(1.0, 2.0 * float(pairs.sum()) - 1.0)


def autocorrelations(rounds: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """r_1, r_2, ... of the values about their round's mean, over all rounds together.

    Up to half of the shortest round, at most 512 lags; empty for rounds under 4 samples.
    """
    shortest = min(values.size for values in rounds)
    lags = min(shortest // 2, MOST_LAGS)
    if shortest < 4:
        return np.zeros(0)
    products, counts, squares, spare = np.zeros(lags), np.zeros(lags), 0.0, 0
    for size in {values.size for values in rounds}:
        alike = np.stack([values for values in rounds if values.size == size])
        centred = alike - alike.mean(axis=1, keepdims=True)
        spectrum = np.fft.rfft(centred, 1 << (size + lags).bit_length())
        power = np.fft.irfft((spectrum.real**2 + spectrum.imag**2).sum(axis=0))
        products += power[1 : lags + 1]
        counts += len(alike) * (size - np.arange(1, lags + 1))
        squares += float(power[0])
        spare += len(alike) * (size - 1)
    if squares <= 0.0:
        return np.zeros(0)
    mean_size = sum(values.size for values in rounds) / len(rounds)
    return np.asarray(products / counts / (squares / spare) + 1.0 / mean_size)


def _between(rounds: Sequence[NDArray[np.float64]], tau: float) -> float | None:
    """The widened mean square between rounds, or ``None`` where the rounds do not differ."""
    count, n = len(rounds), sum(values.size for values in rounds)
    if count < 2 or n <= count:
        return None
    sizes = np.array([values.size for values in rounds], dtype=np.float64)
    means = np.array([values.mean() for values in rounds])
    mean = float((sizes * means).sum() / n)
    between = float((sizes * (means - mean) ** 2).sum()) / (count - 1)
    within = sum(float(((v - v.mean()) ** 2).sum()) for v in rounds) / (n - count)
    if between == 0.0:
        return None
    if within > 0.0 and f_tail(between / (within * tau), count - 1, n - count) > FOUND_P:
        return None
    widening = (t_quantile(0.99, count - 1) / NormalDist().inv_cdf(0.99)) ** 2
    return between * widening

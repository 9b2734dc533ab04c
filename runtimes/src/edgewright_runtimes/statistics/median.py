"""The median's interval: order statistics of the rounds' medians.

Each round is a fresh process, so its median is one independent draw from "the median of a
process of this artifact on this machine", whatever happens inside the round: autocorrelation,
two modes, heavy tails. The interval speaks of the middle of *that* distribution (half of all
processes run slower, half faster), which is the samples' own median where rounds do not differ.
Of R draws, the k-th smallest and k-th largest enclose it with 1 - 2 BinomCDF(k-1; R, 1/2):
8 rounds, smallest to largest: 99.2 %. It assumes that rounds are exchangeable; drift breaks
that, and then no interval is given.
"""

from __future__ import annotations

from collections.abc import Sequence

from edgewright_runtimes.statistics.student import binomial_cdf

LEVEL = 0.99
LEAST_ROUNDS = 8  # the fewest that reach LEVEL


def median_interval(round_medians: Sequence[float]) -> tuple[float, float] | None:
    """An interval of at least 99 % for the median of a round, or ``None`` under 8 rounds."""
    count = len(round_medians)
    inward = 0
    while 2 * binomial_cdf(inward, count, 0.5) <= 1 - LEVEL:
        inward += 1
    if not inward:
        return None
    ordered = sorted(round_medians)
    return ordered[inward - 1], ordered[-inward]

"""Bounds of tails are LoadGen's, and its minimums are the published ones."""

from __future__ import annotations

import math

import numpy as np
import pytest

from edgewright_runtimes.statistics import summarize
from edgewright_runtimes.statistics.tails import bound, largest_rank, least_n, quantile


@pytest.mark.parametrize(
    ("p", "n"), [(0.5, 11), (0.75, 24), (0.9, 64), (0.95, 130), (0.99, 662), (0.999, 6_636)]
)
def test_the_fewest_samples_of_each_quantile(p: float, n: int) -> None:
    assert least_n(p) == n
    assert largest_rank(n, p) == 1
    assert largest_rank(n - 1, p) == 0
    assert bound(np.arange(1.0, n), p, n - 1) is None


@pytest.mark.parametrize("p", [0.5, 0.9, 0.99])
def test_the_rank_is_the_greatest_that_holds(p: float) -> None:
    def cdf(t: int, n: int) -> float:
        return sum(math.comb(n, k) * (1 - p) ** k * p ** (n - k) for k in range(t + 1))

    for n in (64, 662, 1_000):
        rank = largest_rank(n, p)
        if rank:
            assert cdf(rank, n) <= 0.01
        assert cdf(rank + 1, n) > 0.01


def test_the_bound_is_one_of_the_samples_and_loosens_with_dependence() -> None:
    ordered = np.arange(1.0, 1_025.0)
    independent = bound(ordered, 0.9, 1_024)
    assert independent == 1_025 - largest_rank(1_024, 0.9)
    dependent = bound(ordered, 0.9, 100)
    assert independent is not None and dependent is not None
    assert quantile(ordered, 0.9) < independent < dependent


def test_a_quantile_is_the_nearest_rank() -> None:
    ordered = np.arange(1.0, 11.0)
    assert [quantile(ordered, p) for p in (0.5, 0.9, 0.95, 0.99)] == [5, 9, 10, 10]


def test_rounds_that_are_hardly_apart_raise_the_bound_and_do_not_blank_it() -> None:
    rng = np.random.default_rng(5)
    for apart, given in ((0.003, True), (0.03, False)):
        logs = apart * rng.standard_normal((8, 1)) + 0.005 * rng.standard_normal((8, 2_000))
        rounds = list((1e6 * np.exp(logs)).astype(np.int64))
        summary = summarize(rounds, calls_per_sample=1)
        assert any("rounds differ" in reason for reason in summary.reasons)
        for tail in summary.tails:
            assert (tail.bound_ns is not None) == given
            if tail.bound_ns is not None:
                own = [float(np.quantile(values, tail.p)) for values in rounds]
                assert max(own) < tail.bound_ns < 1.04 * max(own)

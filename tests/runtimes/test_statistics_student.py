"""The distributions agree with scipy, and with sums that can be done by hand."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgewright_runtimes.statistics.student import (
    binomial_cdf,
    f_tail,
    incomplete_beta,
    t_quantile,
    t_tail,
)

DEGREES = (1, 1.7, 2, 5, 7, 14, 60, 1_000, 1e6)


@pytest.mark.parametrize("df", DEGREES)
@pytest.mark.parametrize("p", [0.005, 0.5, 0.9, 0.975, 0.995, 0.9999])
def test_t_quantiles_are_scipys(p: float, df: float) -> None:
    stats = pytest.importorskip("scipy.stats")
    assert t_quantile(p, df) == pytest.approx(stats.t.ppf(p, df), rel=1e-8, abs=1e-9)


@settings(max_examples=200, deadline=None)
@given(a=st.floats(0.5, 1e5), b=st.floats(0.5, 1e5), x=st.floats(0, 1, allow_subnormal=False))
def test_the_incomplete_beta_function_is_scipys(a: float, b: float, x: float) -> None:
    special = pytest.importorskip("scipy.special")
    assert incomplete_beta(a, b, x) == pytest.approx(special.betainc(a, b, x), rel=1e-7, abs=1e-12)


@pytest.mark.parametrize(("above", "below"), [(7, 1016), (1, 6), (6, 1008)])
def test_f_tails_are_scipys(above: int, below: int) -> None:
    stats = pytest.importorskip("scipy.stats")
    for f in (0.0, 0.3, 1.0, 2.5, 40.0):
        assert f_tail(f, above, below) == pytest.approx(stats.f.sf(f, above, below), rel=1e-9)


@pytest.mark.parametrize("n", [1, 5, 40])
def test_the_binomial_is_its_own_sum(n: int) -> None:
    for p in (0.01, 0.3, 0.5):
        for count in range(-1, n + 1):
            summed = sum(math.comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(count + 1))
            assert binomial_cdf(count, n, p) == pytest.approx(summed, rel=1e-10, abs=1e-15)


def test_quantile_and_tail_undo_each_other() -> None:
    for df in DEGREES:
        assert t_tail(t_quantile(0.995, df), df) == pytest.approx(0.005, rel=1e-8)
    assert t_quantile(0.005, 6) == -t_quantile(0.995, 6)

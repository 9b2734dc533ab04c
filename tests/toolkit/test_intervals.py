"""Paired intervals: published examples, exact coverage, and what is decided on them."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from edgewright.accuracy.intervals import (
    Decision,
    Interval,
    Pairs,
    bca_interval,
    count_pairs,
    decide,
    items_needed,
    mcnemar_p,
    pairs_needed,
    tango_interval,
)
from edgewright_runtimes.errors import BadInput


def pairs(lost: int, won: int, items: int) -> Pairs:
    return Pairs(n11=items - lost - won, n10=lost, n01=won, n00=0)


@pytest.mark.parametrize(
    ("table", "level", "low", "high", "digits"),
    [
        # Bentur 2009, airway hyper-responsiveness: Fagerland, Lydersen and Laake, "Statistical
        # Analysis of Contingency Tables", chapter 8 (R package contingencytables)
        (Pairs(n11=1, n10=1, n01=7, n00=12), 0.95, -0.517, -0.026, 3),
        # R: PropCIs::scoreci.mp(25, 28, 618, 0.90)
        (pairs(28, 25, 618), 0.90, -0.0148, 0.0247, 4),
    ],
)
def test_tango_gives_the_published_intervals(
    table: Pairs, level: float, low: float, high: float, digits: int
) -> None:
    found = tango_interval(table, level=level)
    assert (round(found.low, digits), round(found.high, digits)) == (low, high)


def test_tango_without_a_discordant_pair_has_its_closed_form() -> None:
    z2 = 1.959963984540054**2
    found = tango_interval(pairs(0, 0, 500))
    assert found.high == pytest.approx(z2 / (500 + z2)) and found.low == pytest.approx(-found.high)


@settings(max_examples=200, deadline=None)
@given(lost=st.integers(0, 60), won=st.integers(0, 60), same=st.integers(0, 900))
def test_tango_is_antisymmetric_and_encloses_its_estimate(lost: int, won: int, same: int) -> None:
    items = lost + won + same
    if not items:
        return
    one, other = tango_interval(pairs(lost, won, items)), tango_interval(pairs(won, lost, items))
    assert -1 <= one.low <= one.estimate <= one.high <= 1
    assert (one.low, one.high) == pytest.approx((-other.high, -other.low), abs=1e-9)


@pytest.mark.parametrize(("lost", "won"), [(0.02, 0.02), (0.1, 0.05), (0.3, 0.1), (0.05, 0.0)])
@pytest.mark.parametrize("items", [60, 200])
def test_tango_covers_what_it_says(lost: float, won: float, items: int) -> None:
    """Exact: summed over all tables, not simulated. A score interval holds its level on average
    and may dip below it by a point at single ones."""
    from scipy.stats import multinomial

    covered = total = 0.0
    law = multinomial(items, [lost, won, 1 - lost - won])
    for b in range(int(items * lost + 9 * math.sqrt(items * lost)) + 1):
        for c in range(int(items * won + 9 * math.sqrt(items * won)) + 1):
            if b + c > items or (weight := float(law.pmf([b, c, items - b - c]))) < 1e-7:
                continue
            found = tango_interval(pairs(b, c, items))
            total += weight
            covered += weight * (found.low <= lost - won <= found.high)
    assert total == pytest.approx(1, abs=1e-3)
    assert covered >= 0.94


def test_mcnemar_is_exact() -> None:
    assert mcnemar_p(pairs(1, 7, 21)) == pytest.approx(2 * (1 + 8) / 2**8)
    assert mcnemar_p(pairs(0, 0, 21)) == 1


def test_pairs_are_counted_item_by_item() -> None:
    source = np.array([1, 1, 0, 0, 1], dtype=bool)
    artifact = np.array([1, 0, 1, 0, 1], dtype=bool)
    assert count_pairs(source, artifact) == Pairs(n11=2, n10=1, n01=1, n00=1)
    with pytest.raises(BadInput):
        count_pairs(source, artifact[:4])
    with pytest.raises(BadInput):
        tango_interval(pairs(0, 0, 0))


def means_of(values: NDArray[np.float64]):  # type: ignore[no-untyped-def]
    return lambda index: values[index].mean(axis=1)


@pytest.mark.parametrize("kind", [np.mean, np.var])  # a plug-in variance is biased and skewed
def test_bca_is_scipys(kind: Callable[..., NDArray[np.float64]]) -> None:
    from scipy.stats import bootstrap

    values = np.random.default_rng(2).exponential(size=60)
    ours = bca_interval(lambda index: kind(values[index], axis=1), 60, resamples=20_000)
    theirs = bootstrap(
        (values,), kind, n_resamples=20_000, method="BCa", rng=np.random.default_rng(1)
    ).confidence_interval
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), rel=0.03)


def test_bca_repeats_with_its_seed_and_says_how_it_was_made() -> None:
    values = np.random.default_rng(2).standard_normal(50)
    one, same = (bca_interval(means_of(values), 50, seed=4) for _ in range(2))
    assert one == same
    assert bca_interval(means_of(values), 50, seed=5) != one
    assert one.estimate == pytest.approx(values.mean())
    assert one.method == "BCa bootstrap, 5000 resamples, seed 4"


def test_bca_covers_a_skewed_mean() -> None:
    rng = np.random.default_rng(9)
    found = [
        bca_interval(means_of(rng.exponential(size=80)), 80, resamples=999) for _ in range(300)
    ]
    assert np.mean([f.low <= 1 <= f.high for f in found]) >= 0.91


def test_bca_refuses_few_items_and_undefined_metrics() -> None:
    with pytest.raises(BadInput, match=r"29 items are too few .* 30 are needed"):
        bca_interval(means_of(np.ones(29)), 29)
    with pytest.raises(BadInput, match="undefined on some resamples"):
        bca_interval(lambda index: np.where((index == 0).any(axis=1), 1.0, np.nan), 40)


def test_bca_of_a_metric_that_never_moves_has_no_width() -> None:
    found = bca_interval(means_of(np.full(40, 0.25)), 40)
    assert (found.low, found.estimate, found.high) == (0.25, 0.25, 0.25)


def test_many_items_are_drawn_in_parts() -> None:
    values = np.random.default_rng(0).standard_normal(50_000)
    found = bca_interval(means_of(values), 50_000, resamples=400)
    assert found.high - found.low == pytest.approx(2 * 1.96 / math.sqrt(50_000), rel=0.25)


def interval(low: float, estimate: float, high: float, items: int = 100) -> Interval:
    return Interval(estimate=estimate, low=low, high=high, level=0.95, items=items, method="")


@pytest.mark.parametrize(
    ("low", "high", "decision"),
    [
        (-0.01, 0.005, Decision.SHIP),
        (-0.01, 0.010, Decision.SHIP),
        (-0.01, 0.011, Decision.NOT_ENOUGH_DATA),
        (0.010, 0.030, Decision.NOT_ENOUGH_DATA),
        (0.011, 0.030, Decision.DO_NOT_SHIP),
    ],
)
def test_the_limit_decides_by_the_end_that_faces_it(
    low: float, high: float, decision: Decision
) -> None:
    assert decide(interval(low, (low + high) / 2, high), 0.01) is decision


def test_needed_items_do_decide() -> None:
    for lost, won, limit in ((3, 1, 0.02), (0, 0, 0.001), (30, 2, 0.10), (40, 2, 0.15)):
        table = pairs(lost, won, 300)
        assert decide(tango_interval(table), limit) is Decision.NOT_ENOUGH_DATA
        needed = pairs_needed(table, limit)
        assert needed is not None and needed > 300
        grown = pairs(round(lost * needed / 300), round(won * needed / 300), round(needed * 1.02))
        assert decide(tango_interval(grown), limit) is not Decision.NOT_ENOUGH_DATA
    assert pairs_needed(pairs(3, 0, 300), 0.01) is None


def test_needed_items_shrink_with_the_square_root() -> None:
    assert items_needed(interval(-0.02, 0.0, 0.02), 0.01) == 400
    assert items_needed(interval(0.0, 0.02, 0.04), 0.01) == 400
    assert items_needed(interval(-0.02, 0.01, 0.02), 0.01) is None

"""Comparisons: Welch's interval, widened by the A/A pair, and what is said of it."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from edgewright_runtimes.errors import BadInput
from edgewright_runtimes.statistics import compare, summarize

Rounds = list[NDArray[np.float64]]


def rounds_of(shift: float, seed: int, count: int = 8) -> Rounds:
    rng = np.random.default_rng(seed)
    levels = shift + 0.01 * rng.standard_normal((count, 1))
    return list(1e6 * np.exp(levels + 0.01 * rng.standard_normal((count, 32))))


def test_the_interval_is_welchs() -> None:
    stats = pytest.importorskip("scipy.stats")
    new, base = rounds_of(0.02, 1), rounds_of(0.0, 2)
    found = compare(new, base)
    a, b = (np.log([np.median(r) for r in rounds]) for rounds in (new, base))
    welch = stats.ttest_ind(a, b, equal_var=False).confidence_interval(0.99)
    assert (found.low, found.high) == pytest.approx((math.exp(welch.low), math.exp(welch.high)))


def test_the_second_name_only_widens() -> None:
    new, base = rounds_of(0.0, 1), rounds_of(0.0, 2)
    alone = compare(new, base)
    for again in (rounds_of(0.0, 3), rounds_of(0.1, 3), base):
        both = compare(new, base, again)
        assert both.low is not None and both.high is not None
        assert alone.low is not None and alone.high is not None
        assert both.low <= alone.low and both.high >= alone.high
        assert both.ratio == alone.ratio
    far = compare(rounds_of(0.05, 1), base, rounds_of(0.1, 3))
    assert not far.different and far.smallest_visible is not None and far.smallest_visible > 0.05


def test_a_difference_is_said_with_its_direction() -> None:
    faster = compare(rounds_of(-0.1, 1), rounds_of(0.0, 2), rounds_of(0.0, 3))
    assert faster.different and faster.words.startswith("9.") and "faster" in faster.words
    slower = compare(rounds_of(1.0, 1), rounds_of(0.0, 2))
    assert slower.words.startswith("2.7") and " x slower" in slower.words
    same = compare(rounds_of(0.0, 1), rounds_of(0.0, 2))
    assert not same.different and same.words.startswith("no measurable difference; ")


def test_summaries_and_rounds_compare_alike() -> None:
    new, base = ([r.astype(np.int64) for r in rounds_of(s, i)] for i, s in ((1, 0.03), (2, 0.0)))
    summaries = [summarize(rounds, calls_per_sample=1) for rounds in (new, base)]
    assert compare(*summaries) == compare(new, base)


def test_drift_and_single_rounds_give_no_interval() -> None:
    rising = [r * f for r, f in zip(rounds_of(0, 1), np.linspace(1, 1.5, 8), strict=True)]
    for found in (compare(rising, rounds_of(0, 2)), compare(rounds_of(0, 2), rising)):
        assert (found.low, found.high, found.smallest_visible) == (None, None, None)
        assert "drifting" in found.words and not found.different
    single = compare(rounds_of(0.5, 1, count=1), rounds_of(0, 2, count=1))
    assert single.low is None and "8 are wanted" in single.words
    with pytest.raises(BadInput):
        compare([], rounds_of(0, 2))


def test_rounds_too_few_and_far_apart_do_not_name_a_difference_without_bounds() -> None:
    found = compare([[100.0] * 9, [300.0] * 9], [[120.0] * 9, [260.0] * 9])
    assert found.smallest_visible is not None and found.smallest_visible > 1
    assert "%" not in found.words and "more rounds" in found.words

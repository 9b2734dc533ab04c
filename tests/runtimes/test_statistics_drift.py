"""Trends are found where they are, and shuffled rounds have none."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from edgewright_runtimes.statistics import summarize
from edgewright_runtimes.statistics.drift import find_drift, mann_kendall


def noise(rounds: int = 8, samples: int = 64, spread: float = 0.05) -> np.ndarray:
    return 1e6 * np.exp(spread * np.random.default_rng(1).standard_normal((rounds, samples)))


def test_a_rise_from_round_to_round_is_found_with_its_size() -> None:
    drift = find_drift(list(noise() * np.linspace(1, 1.2, 8)[:, None]))
    assert drift.across == pytest.approx(0.2, abs=0.03)
    assert drift.within is None


def test_a_rise_inside_each_round_is_found_with_its_size() -> None:
    drift = find_drift(list(noise() * np.linspace(1, 1.2, 64)))
    assert drift.within == pytest.approx(0.2, abs=0.04)
    assert drift.across is None


def test_no_number_is_printed_for_a_drifting_run() -> None:
    rising = (noise() * np.linspace(1, 1.2, 8)[:, None]).astype(np.int64)
    summary = summarize(list(rising), calls_per_sample=1)
    assert summary.drifting
    assert summary.median_interval_ns is None
    assert all(tail.bound_ns is None and "drifting" in tail.reason for tail in summary.tails)
    assert any(reason.startswith("drifting: +") for reason in summary.reasons)


def test_the_same_rounds_in_another_order_do_not_drift() -> None:
    rising = noise() * np.linspace(1, 1.2, 8)[:, None]
    assert not find_drift(list(rising[[3, 7, 0, 5, 2, 6, 1, 4]])).found


def test_a_trend_under_one_percent_is_not_called() -> None:
    assert not find_drift(list(noise(spread=1e-4) * np.linspace(1, 1.005, 8)[:, None])).found


def test_one_long_round_is_cut_into_blocks_of_time() -> None:
    long = noise(rounds=1, samples=800)[0]
    assert not find_drift([long]).found
    assert find_drift([long * np.linspace(1, 1.2, 800)]).across is not None


def test_two_rounds_are_not_tested() -> None:
    assert not find_drift(list(noise(rounds=2))).tested


def test_mann_kendall_is_the_share_of_orders() -> None:
    def score(order: tuple[int, ...]) -> int:
        return sum((b > a) - (b < a) for a, b in itertools.combinations(order, 2))

    orders = [abs(score(order)) for order in itertools.permutations(range(6))]
    for order in ((0, 1, 2, 3, 4, 5), (1, 0, 2, 3, 5, 4), (5, 2, 4, 3, 0, 1)):
        share = sum(other >= abs(score(order)) for other in orders) / len(orders)
        assert mann_kendall(np.array(order, dtype=float)) == pytest.approx(share)

"""A summary keeps every sample, says what it can and why it can't say the rest."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from edgewright_runtimes.errors import BadInput
from edgewright_runtimes.statistics import summarize
from edgewright_runtimes.statistics.dependence import dependence, ranks
from edgewright_runtimes.statistics.median import median_interval

Rounds = list[NDArray[np.int64]]


def steady(rounds: int = 8, samples: int = 128, seed: int = 3) -> Rounds:
    rng = np.random.default_rng(seed)
    return list((1e6 * np.exp(0.05 * rng.standard_normal((rounds, samples)))).astype(np.int64))


def test_a_steady_run_has_everything() -> None:
    rounds = steady()
    summary = summarize(rounds, calls_per_sample=1)
    assert (summary.n, summary.rounds, summary.effective_n) == (1_024, 8, 1_024)
    assert summary.median_interval_ns == (
        min(summary.round_medians_ns),
        max(summary.round_medians_ns),
    )
    assert all(tail.bound_ns and tail.bound_ns > tail.value_ns for tail in summary.tails)
    assert not summary.drifting and not summary.noisy and summary.reasons == ()
    everything = np.concatenate(rounds)
    assert (summary.min_ns, summary.max_ns) == (everything.min(), everything.max())
    assert summary.mean_ns == pytest.approx(everything.mean())
    assert summary.total_seconds == pytest.approx(everything.sum() / 1e9)


def test_calls_timed_together_are_divided_and_labelled() -> None:
    rounds = steady()
    one = summarize(rounds, calls_per_sample=1)
    many = summarize([r * k for r, k in zip(rounds, [4] * 4 + [2] * 4, strict=True)],
                     calls_per_sample=[4] * 4 + [2] * 4)  # fmt: skip
    assert many.round_medians_ns == one.round_medians_ns
    assert many.calls_per_sample == 4
    assert many.tails[2].name == "p99 of 4-call means"
    assert one.tails[2].name == "p99"


def test_few_rounds_have_no_interval_and_few_samples_no_bound() -> None:
    summary = summarize(steady(rounds=7, samples=10), calls_per_sample=1, tails=(0.5, 0.9, 0.999))
    assert summary.median_interval_ns is None
    assert "no interval of the median: 7 rounds, 8 are needed" in summary.reasons
    assert [tail.bound_ns is None for tail in summary.tails] == [False, False, True]
    assert summary.tails[2].name == "p99.9"
    assert summary.tails[2].reason == "needs 6636 independent samples, these are worth 70"


def test_more_rounds_use_inner_order_statistics() -> None:
    assert median_interval(range(8)) == (0, 7)
    assert median_interval(range(11)) == (0, 10)
    assert median_interval(range(12)) == (1, 10)
    assert median_interval(range(7)) is None


def test_noise_between_rounds_is_called_noisy() -> None:
    rounds = steady()
    for place, factor in enumerate((1.2, 0.9, 1.0, 1.1, 0.85, 1.15, 0.9, 1.05)):
        rounds[place] = (rounds[place] * factor).astype(np.int64)
    summary = summarize(rounds, calls_per_sample=1)
    assert summary.noisy and not summary.drifting
    assert all(tail.bound_ns is None and "worth" in tail.reason for tail in summary.tails)
    assert any(reason.startswith("rounds differ") for reason in summary.reasons)


def test_bursts_of_slow_calls_cost_the_tail_but_not_the_body() -> None:
    rounds = steady()
    for samples in rounds[::2]:
        samples[40:46] *= 3
    summary = summarize(rounds, calls_per_sample=1)
    assert summary.tails[2].effective_n < 662 < summary.effective_n
    assert summary.tails[2].bound_ns is None


def test_samples_that_are_all_alike_are_no_trouble() -> None:
    summary = summarize([np.full(128, 5_000)] * 8, calls_per_sample=1)
    assert summary.median_interval_ns == (5_000, 5_000)
    assert [tail.bound_ns for tail in summary.tails] == [5_000] * 3
    assert not summary.drifting and not summary.noisy


@pytest.mark.parametrize(
    ("rounds", "calls"),
    [
        ([], 1),
        ([np.array([], dtype=np.int64)], 1),
        ([np.array([[1, 2]])], 1),
        ([np.array([-1, 2])], 1),
        ([np.array([1, 2])], 0),
        ([np.array([1, 2])], [1, 1]),
    ],
)
def test_bad_rounds_are_refused(rounds: Rounds, calls: int | list[int]) -> None:
    with pytest.raises(BadInput):
        summarize(rounds, calls_per_sample=calls)


def test_effective_n_of_an_autoregression_is_near_its_theory() -> None:
    rng = np.random.default_rng(5)
    values = rng.standard_normal((8, 4_000))
    for i in range(1, values.shape[1]):
        values[:, i] = 0.8 * values[:, i - 1] + 0.6 * values[:, i]
    found = dependence(list(values))
    assert found.autocorrelated
    assert found.effective_n == pytest.approx(values.size * 0.2 / 1.8, rel=0.25)


def test_ties_share_their_rank() -> None:
    first, second = ranks([np.array([1.0, 2.0, 2.0]), np.array([3.0])])
    assert first.tolist() == [0.125, 0.5, 0.5]
    assert second.tolist() == [0.875]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        arrays(np.int64, st.integers(1, 40), elements=st.integers(0, 10**12)),
        min_size=1,
        max_size=10,
    )
)
def test_any_rounds_can_be_summed_up(rounds: Rounds) -> None:
    summary = summarize(rounds, calls_per_sample=1, tails=(0.5, 0.75, 0.9))
    everything = np.concatenate(rounds)
    assert summary.n == everything.size >= summary.effective_n >= 1
    assert summary.min_ns <= summary.median_ns <= summary.max_ns
    for tail in summary.tails:
        assert (tail.bound_ns is None) == bool(tail.reason)
        assert tail.value_ns in everything
        assert tail.bound_ns is None or tail.bound_ns >= tail.value_ns

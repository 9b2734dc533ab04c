"""The timing loop counts every call, reaches both time and count, and holds the most by K."""

from __future__ import annotations

import gc
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from edgewright_runtimes.errors import BadInput
from edgewright_runtimes.timing import (
    MIN_SAMPLE_NS,
    WARMUP_CALLS,
    Budget,
    Call,
    Timed,
    group_size,
    time_calls,
)

SHORT = Budget(seconds=0.05, samples=5)


def run_round(calls: list[Call], budget: Budget, **options: Any) -> Timed:
    def make(some: Sequence[Call]) -> Call:
        def group() -> None:
            for call in some:
                call()

        return group

    return time_calls(make, calls, budget, **options)


class Calls:
    """A call that takes ``seconds`` and counts."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds = seconds
        self.count = 0

    def __call__(self) -> None:
        self.count += 1
        if self.seconds:
            time.sleep(self.seconds)


def test_every_call_is_in_a_sample() -> None:
    for seconds in (0.0, 0.001):
        call = Calls(seconds)
        timed = run_round([call], SHORT)
        assert call.count == len(timed.samples_ns) * timed.calls_per_sample


def test_short_calls_are_timed_many_at_a_time() -> None:
    timed = run_round([Calls()], SHORT)
    assert timed.calls_per_sample > 1
    assert np.median(timed.samples_ns) > MIN_SAMPLE_NS / 5
    assert timed.samples_ns.dtype == np.int64


def test_long_calls_are_timed_one_by_one() -> None:
    timed = run_round([Calls(0.001)], SHORT)
    assert timed.calls_per_sample == 1
    assert timed.samples_ns.min() >= 1_000_000


def test_the_time_is_reached_when_the_count_is() -> None:
    timed = run_round([Calls(0.001)], Budget(seconds=0.1, samples=1))
    assert timed.samples_ns[timed.warmup_samples :].sum() > 0.08e9


def test_the_count_is_reached_when_the_time_is() -> None:
    timed = run_round([Calls(0.002)], Budget(seconds=0.001, samples=23))
    assert len(timed.samples_ns) - timed.warmup_samples == 23
    assert timed.warmup_samples == WARMUP_CALLS
    assert not timed.partial


def test_the_warmup_takes_a_fifth_of_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0

    def clock() -> int:  # a nanosecond for each look at it
        nonlocal now
        now += 1
        return now

    def call() -> None:
        nonlocal now
        now += 1_000_000

    monkeypatch.setattr("edgewright_runtimes.timing.perf_counter_ns", clock)
    timed = run_round([call], Budget(seconds=0.2, samples=1))
    assert timed.warmup_samples == 40
    assert len(timed.samples_ns) == 240


def test_too_many_samples_double_k_and_lose_no_call() -> None:
    call = Calls()
    budget = Budget(seconds=0.2, samples=10, max_samples=64)
    slow_first = iter([True] * (WARMUP_CALLS + 1))

    def run() -> None:  # slow while K is chosen: K comes out too small
        call()
        if next(slow_first, False):
            time.sleep(0.005)

    timed = run_round([run], budget)
    assert 10 <= len(timed.samples_ns) <= 64
    assert call.count == len(timed.samples_ns) * timed.calls_per_sample
    assert timed.warmup_samples < len(timed.samples_ns)


def test_each_call_gets_its_share() -> None:
    calls = [Calls(0.001) for _ in range(3)]
    run_round(calls, SHORT)
    counts = [call.count for call in calls]
    assert max(counts) - min(counts) <= 1 and min(counts) > 1


def test_stopping_gives_what_there_is_as_partial() -> None:
    call = Calls(0.001)
    budget = Budget(seconds=60, samples=1)
    timed = run_round([call], budget, stopping=lambda: call.count >= 30)
    assert timed.partial
    assert len(timed.samples_ns) * timed.calls_per_sample == 30


def test_slow_calls_are_heard_of_from_the_first_on_and_can_be_stopped_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("edgewright_runtimes.timing.BEAT_NS", 5_000_000)
    call, beats = Calls(0.01), list[float]()
    budget = Budget(seconds=60, samples=1)
    timed = run_round([call], budget, stopping=lambda: call.count == 4, on_beat=beats.append)
    assert timed.partial
    assert len(timed.samples_ns) == timed.warmup_samples == len(beats) == 4


def test_garbage_collection_rests_and_comes_back() -> None:
    seen = []
    run_round([lambda: seen.append(gc.isenabled())], SHORT)
    assert not any(seen)
    assert gc.isenabled()
    with pytest.raises(ZeroDivisionError):
        run_round([lambda: 1 // 0], SHORT)
    assert gc.isenabled()


@pytest.mark.parametrize("call_ns", [0.0, 200.0, 9_000.0, 49_999.0, 50_000.0, 1e9])
@pytest.mark.parametrize("seconds", [0.5, 7.5, 600.0])
def test_k_is_large_enough_for_the_clock_and_for_the_count(call_ns: float, seconds: float) -> None:
    budget = Budget(seconds=seconds, samples=16)
    k = group_size(call_ns, budget)
    call = max(call_ns, 1.0)
    assert k == 1 or k * call >= MIN_SAMPLE_NS
    assert k * call >= MIN_SAMPLE_NS or call >= MIN_SAMPLE_NS
    assert seconds * 1.2e9 / (k * call) <= budget.max_samples


def test_a_coarse_clock_needs_longer_samples() -> None:
    assert group_size(100_000, SHORT, step_ns=1_000_000) == 10_000


def test_a_count_above_the_most_is_refused() -> None:
    with pytest.raises(BadInput, match="at most 100"):
        Budget(seconds=1, samples=50, max_samples=100)


def test_a_machine_that_is_busy_while_k_is_chosen_does_not_make_it_small(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = count = 0

    def call() -> None:  # a microsecond, but the first nine are held up
        nonlocal now, count
        now += 1_000 if count >= 9 else 2_000_000
        count += 1

    monkeypatch.setattr("edgewright_runtimes.timing.perf_counter_ns", lambda: now)
    monkeypatch.setattr("edgewright_runtimes.timing.clock_step_ns", lambda: 1)
    timed = run_round([call], Budget(seconds=0.02, samples=1))
    assert timed.calls_per_sample == MIN_SAMPLE_NS // 1_000
    assert count == len(timed.samples_ns) * timed.calls_per_sample

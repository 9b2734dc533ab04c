"""The timing loop: how long one call takes, sample by sample. None is ever dropped.

It knows items, and what makes one call of some of them; nothing of models, runtimes or
statistics. A sample is the time of one *group* of items (``calls_per_sample``, K): one where it
takes long enough for the clock, more where it does not, and more again where one each would make
too many samples for the round. The count is held by a larger K, never by idling and never by
leaving any out. A group is one call, whose maker loops inside: K calls of a Python function each
would cost 0.1 us apiece, and the fastest models take 2.

What it does not know: whether the machine was quiet. That is ``environment``'s part.
"""

from __future__ import annotations

import gc
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import cycle, islice, pairwise
from time import perf_counter_ns
from typing import Any, Generic, TypeVar

import numpy as np

from edgewright_runtimes.errors import BadInput

T = TypeVar("T")
Call = Callable[[], object]

MIN_SAMPLE_NS = 50_000  # shorter calls are timed K at a time
CLOCK_STEPS = 1_000  # a sample is at least so many steps of the clock: 0.1 % resolution
MAX_SAMPLES = 20_000  # a round's, warm-up included
WARMUP_CALLS = 10
WARMUP_SHARE = 0.2  # of the round's time
BEAT_NS = 2_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Timed:
    """One round's samples: int64 [samples], nanoseconds per group of ``calls_per_sample`` calls.

    The first ``warmup_samples`` are the warm-up. ``partial``: stopped before its time or count.
    """

    samples_ns: np.ndarray[Any, np.dtype[np.int64]]
    warmup_samples: int
    calls_per_sample: int
    partial: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What a round must reach after its warm-up: both the time and the count of samples."""

    seconds: float
    samples: int
    max_samples: int = MAX_SAMPLES

    def __post_init__(self) -> None:
        if self.samples * 4 > self.max_samples:
            raise BadInput(
                f"{self.samples} samples a round, and at most {self.max_samples}",
                hint="the most must be at least four times the count",
            )


def clock_step_ns(reads: int = 200) -> int:
    """The smallest step the clock was seen to make, in nanoseconds."""
    times = [perf_counter_ns() for _ in range(reads)]
    steps = [b - a for a, b in pairwise(times) if b > a]
    return min(steps, default=1)


def group_size(call_ns: float, budget: Budget, *, step_ns: int = 1) -> int:
    """K: calls per sample for a call of ``call_ns``, so that a sample is long enough for the
    clock and the round stays under its most samples, with a fifth to spare."""
    call = max(call_ns, 1.0)
    shortest = max(MIN_SAMPLE_NS, CLOCK_STEPS * step_ns)
    total_ns = budget.seconds * (1 + WARMUP_SHARE) * 1e9
    for_count = total_ns / (0.8 * budget.max_samples)
    return max(1, math.ceil(max(shortest if call < shortest else 0.0, for_count) / call))


def time_calls(
    make: Callable[[Sequence[T]], Call],
    items: Sequence[T],
    budget: Budget,
    *,
    stopping: Callable[[], bool] = lambda: False,
    on_beat: Callable[[float], None] = lambda done: None,
) -> Timed:
    """Time each of ``items`` in turn until ``budget`` is reached.

    ``make(some)`` gives the call that does ``some`` of them, one after the other.
    ``stopping`` is asked between samples; ``on_beat`` hears, every two seconds and between
    samples, what part of the round is done. Garbage collection rests meanwhile.
    """
    was_enabled = gc.isenabled()
    gc.collect()
    gc.disable()
    try:
        return _Round(make, items, budget, stopping, on_beat).run()
    finally:
        if was_enabled:
            gc.enable()


class _Round(Generic[T]):
    def __init__(
        self,
        make: Callable[[Sequence[T]], Call],
        items: Sequence[T],
        budget: Budget,
        stopping: Callable[[], bool],
        on_beat: Callable[[float], None],
    ) -> None:
        self._budget = budget
        self._stopping = stopping
        self._on_beat = on_beat
        self._make = make
        each = [(item, make([item])) for item in items]
        self._cycle = cycle(each)  # never begun anew: each gets its share
        self._samples: list[int] = []
        self._warmup = 0
        self._k = 1
        self._beaten = 0

    def run(self) -> Timed:
        begin = self._beaten = perf_counter_ns()
        self._pilot(begin)
        warm = begin + int(self._budget.seconds * WARMUP_SHARE * 1e9)
        self._sample_until(warm, 0, begin=begin)
        self._warmup = len(self._samples)
        ready = perf_counter_ns() + int(self._budget.seconds * 1e9)
        whole = self._sample_until(ready, self._budget.samples, begin=begin)
        return Timed(
            samples_ns=np.asarray(self._samples, np.int64),
            warmup_samples=self._warmup,
            calls_per_sample=self._k,
            partial=not whole,
        )

    def _pilot(self, begin: int) -> None:
        """The first calls, one by one, to choose K; they stay, summed into groups of K.

        The least decides: a busy machine only adds to a call, and a K that is too small stays.
        """
        single = self._one_by_one(WARMUP_CALLS, begin)
        if len(single) < WARMUP_CALLS:
            self._samples = single
            return
        self._k = group_size(min(single), self._budget, step_ns=clock_step_ns())
        missing = -len(single) % self._k
        single += self._one_by_one(missing, begin)
        if len(single) % self._k:
            self._k = 1  # stopped: what there is has no whole groups
        self._samples = [sum(single[i : i + self._k]) for i in range(0, len(single), self._k)]

    def _one_by_one(self, calls: int, begin: int) -> list[int]:
        """Single calls, fewer where they are stopped, for a slow model's take minutes; one at
        least."""
        single: list[int] = []
        for _, call in islice(self._cycle, calls):
            if single and self._stopping():
                break
            single.append(_time_one(call))
            if perf_counter_ns() - self._beaten >= BEAT_NS:
                self._beat(self._budget.samples, begin)
        return single

    def _beat(self, count: int, begin: int) -> None:
        self._beaten = perf_counter_ns()
        self._on_beat(self._done(count, begin))

    def _sample_until(self, time: int, count: int, *, begin: int) -> bool:
        """Sample until the clock reads ``time`` and ``count`` stand behind the warm-up.

        False: stopped before.
        """
        most = self._budget.max_samples // 2 * 2
        while (now := perf_counter_ns()) < time or len(self._samples) - self._warmup < count:
            if self._stopping():
                return False
            pause = min(time, now + BEAT_NS) if now < time else now + BEAT_NS
            limit = min(most, self._warmup + count) if now >= time else most
            self._sample(pause, limit)
            if len(self._samples) >= most:
                self._double()
            self._beat(count, begin)
        return True

    def _done(self, count: int, begin: int) -> float:
        """What part of the round is done, by time and, after the warm-up, by count."""
        whole_ns = self._budget.seconds * (1 + WARMUP_SHARE) * 1e9
        part = min(1.0, (perf_counter_ns() - begin) / whole_ns)
        return min(part, (len(self._samples) - self._warmup) / count) if count else part

    def _sample(self, pause: int, limit: int) -> None:
        """The innermost loop: nothing but a call stands between the two clock reads."""
        clock, samples, stopping = perf_counter_ns, self._samples, self._stopping
        if self._k == 1:
            for _, call in self._cycle:
                start = clock()
                call()
                end = clock()
                samples.append(end - start)
                if end >= pause or len(samples) >= limit or stopping():
                    return
        group = self._make([item for item, _ in islice(self._cycle, self._k)])
        while True:
            start = clock()
            group()
            end = clock()
            samples.append(end - start)
            if end >= pause or len(samples) >= limit or stopping():
                return

    def _double(self) -> None:
        """Too many samples after all: K doubles, and each two neighbours become one."""
        pairs = self._samples
        self._samples = [a + b for a, b in zip(pairs[::2], pairs[1::2], strict=True)]
        self._warmup = (self._warmup + 1) // 2
        self._k *= 2


def _time_one(call: Call) -> int:
    start = perf_counter_ns()
    call()
    return perf_counter_ns() - start

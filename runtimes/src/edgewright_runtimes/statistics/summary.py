"""What the samples of one artifact say: median with its interval, tails with their bounds.

Knows: rounds of samples. Does *not* know: sensors, presets or targets (``verdict`` does).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgewright_runtimes.errors import BadInput
from edgewright_runtimes.statistics import tails as tail_bounds
from edgewright_runtimes.statistics.dependence import Dependence, dependence, ranks
from edgewright_runtimes.statistics.drift import Drift, find_drift
from edgewright_runtimes.statistics.median import LEAST_ROUNDS, median_interval

TAILS = (0.90, 0.95, 0.99)
NOISY_WIDTH = 0.10  # of the median: an interval wider than this is `noisy`


@dataclass(frozen=True, slots=True, kw_only=True)
class Tail:
    """A quantile of the latency of one call, and what it is at most.

    ``value_ns`` is the sample quantile, ``bound_ns`` its 99 % upper bound, or ``None`` with the
    ``reason``; ``effective_n`` is what carries the bound (``tails.independent_n``).
    ``of_calls`` > 1: samples are means of so many calls, and so is this quantile.
    """

    p: float
    value_ns: float
    bound_ns: float | None
    effective_n: int
    reason: str = ""
    of_calls: int = 1

    @property
    def name(self) -> str:
        """``p99``, ``p99.9``; ``p99 of 64-call means`` where calls were timed 64 at a time."""
        name = f"p{self.p * 100:.4g}"
        return name if self.of_calls == 1 else f"{name} of {self.of_calls}-call means"


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """Statistics of one artifact under one name; all times are nanoseconds of one call.

    ``median_ns`` is the median of the rounds' medians. ``median_interval_ns`` (99 %) and
    ``Tail.bound_ns`` are ``None`` where they can't be given; ``reasons`` says why, and what was
    found (autocorrelation, rounds that differ, drift). ``total_seconds`` is the time inside the
    samples, all calls counted.
    """

    n: int
    rounds: int
    effective_n: int
    calls_per_sample: int  # the largest of the rounds'
    median_ns: float
    median_interval_ns: tuple[float, float] | None
    round_medians_ns: tuple[float, ...]
    tails: tuple[Tail, ...]
    mean_ns: float
    min_ns: float
    max_ns: float
    total_seconds: float
    drifting: bool
    noisy: bool
    reasons: tuple[str, ...] = ()


def summarize(
    rounds: Sequence[NDArray[np.int64]],
    *,
    calls_per_sample: int | Sequence[int],
    tails: Sequence[float] = TAILS,
) -> Summary:
    """Sum up ``rounds`` in the order they ran: int64 [samples] of nanoseconds each, no warm-up.

    ``calls_per_sample``: one for all rounds, or one per round. ``tails``: the quantiles wanted,
    each between 0 and 1. No sample is ever dropped. ``BadInput``: no rounds, a round without
    samples or with negative ones, not as many ``calls_per_sample`` as rounds.
    """
    calls = _calls(rounds, calls_per_sample)
    per_call = [np.asarray(r, dtype=np.float64) / k for r, k in zip(rounds, calls, strict=True)]
    ordered = np.sort(np.concatenate(per_call))
    medians = tuple(float(np.median(values)) for values in per_call)
    median = float(np.median(medians))
    body = dependence(ranks(per_call))
    drift = find_drift(per_call)
    interval = None if drift.found else median_interval(medians)
    noisy = interval is not None and interval[1] - interval[0] > NOISY_WIDTH * median
    return Summary(
        n=ordered.size,
        rounds=len(per_call),
        effective_n=body.effective_n,
        calls_per_sample=max(calls),
        median_ns=median,
        median_interval_ns=interval,
        round_medians_ns=medians,
        tails=tuple(_tail(p, per_call, ordered, body, drift, max(calls)) for p in tails),
        mean_ns=float(ordered.mean()),
        min_ns=float(ordered[0]),
        max_ns=float(ordered[-1]),
        total_seconds=float(sum(int(r.sum()) for r in rounds)) / 1e9,
        drifting=drift.found,
        noisy=noisy,
        reasons=_reasons(body, drift, interval, median, len(per_call)),
    )


def _calls(
    rounds: Sequence[NDArray[np.int64]], calls_per_sample: int | Sequence[int]
) -> tuple[int, ...]:
    if not rounds:
        raise BadInput("no rounds to sum up; at least one is needed")
    for place, samples in enumerate(rounds):
        if samples.ndim != 1 or not samples.size or int(samples.min()) < 0:
            raise BadInput(f"round {place} is not a list of times: shape {samples.shape}")
    if isinstance(calls_per_sample, Sequence):
        calls = tuple(int(k) for k in calls_per_sample)
    else:
        calls = (int(calls_per_sample),) * len(rounds)
    if len(calls) != len(rounds) or min(calls) < 1:
        raise BadInput(f"calls_per_sample is {calls_per_sample}; wanted: 1 or more, for each round")
    return calls


def _tail(
    p: float,
    per_call: Sequence[NDArray[np.float64]],
    ordered: NDArray[np.float64],
    body: Dependence,
    drift: Drift,
    calls: int,
) -> Tail:
    own = tail_bounds.tail_dependence(per_call, ordered, p)
    effective, raised = tail_bounds.independent_n(per_call, body, own, p)
    least = tail_bounds.least_n(p)
    bound, reason = None, ""
    if drift.found:
        reason = "drifting: a bound would be about no distribution"
    elif effective < least:
        reason = f"needs {least} independent samples, these are worth {effective}"
    else:
        bound = tail_bounds.bound(ordered, p, effective)
    return Tail(
        p=p,
        value_ns=tail_bounds.quantile(ordered, p),
        bound_ns=None if bound is None else bound * raised,
        effective_n=effective,
        reason=reason,
        of_calls=calls,
    )


def _reasons(
    body: Dependence,
    drift: Drift,
    interval: tuple[float, float] | None,
    median: float,
    rounds: int,
) -> tuple[str, ...]:
    said = []
    if drift.across is not None:
        said.append(f"drifting: {drift.across:+.1%} from the first round to the last; no interval")
    if drift.within is not None:
        said.append(f"drifting: {drift.within:+.1%} inside each round; no interval")
    if not drift.tested:
        said.append("not tested for drift: too few rounds or samples")
    if interval is None and not drift.found:
        said.append(f"no interval of the median: {rounds} rounds, {LEAST_ROUNDS} are needed")
    if interval is not None and interval[1] - interval[0] > NOISY_WIDTH * median:
        width = (interval[1] - interval[0]) / median
        said.append(f"noisy: the median's interval is {width:.0%} wide; 10 % at most is wanted")
    if body.autocorrelated:
        said.append(f"autocorrelated: {body.n} samples worth {body.effective_n}")
    if body.rounds_differ:
        said.append(f"rounds differ: {body.n} samples worth {body.effective_n}")
    return tuple(said)

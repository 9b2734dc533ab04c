"""Two bundles row by row: the ratio of the later to the earlier, with its interval, and a decision.

Counts of instructions hardly vary, so their interval is from the least to the most that was
counted. Latencies were not measured shuffled together here, but each bundle in its own job: the
interval is Welch's of ``compare``, widened by what the twins of the baseline differ by in either
job. Not known here: a change of the machine between the two jobs that the environment does not
show. What was throttled (or could have been, on a board of which a sensor is unknown), drifting,
too short, emulated, or on another machine decides nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING, Literal, get_args

from edgewright_runtimes.statistics import Verdict, compare

if TYPE_CHECKING:
    from edgewright.bundle import Bundle
    from edgewright.counting.results import CountRow
    from edgewright.latency.results import Row

Metric = Literal["latency", "instructions"]
METRICS: tuple[Metric, ...] = get_args(Metric)
BELIEVED = (Verdict.TRUSTED, Verdict.NOISY)  # a wide interval says so itself
VERSIONS = ("runtime", "numpy", "emulator", "browser")  # of what is in force
MACHINE = ("cpu", "architecture", "cores", "governor")
Key = tuple[str, str, str, int]  # artifact, runtime, target, threads
Interval = tuple[float, float]


class Decision(str, Enum):
    PASS = "pass"
    REGRESSION = "regression"
    UNDECIDED = "not enough data"


@dataclass(frozen=True, slots=True, kw_only=True)
class GateRow:
    """``base`` and ``new``: nanoseconds of a median call, or instructions of an inference.

    ``low`` and ``high`` are the ends of the interval of ``ratio`` = new / base; ``None`` where
    there is none, and ``reason`` says why.
    """

    artifact: str
    runtime: str
    target: str
    threads: int
    metric: Metric
    base: float | None
    new: float | None
    ratio: float | None
    low: float | None
    high: float | None
    decision: Decision
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """What one of the two bundles knows; ``apart``: of a runtime's twins, as a logarithm."""

    latencies: Mapping[Key, Row]
    counts: Mapping[Key, CountRow]
    apart: Mapping[tuple[Key, str], float]


def read_side(bundle: Bundle) -> Side:
    from edgewright.counting.results import read_counts
    from edgewright.latency.results import read_results, twins_apart

    return Side(
        latencies={(r.artifact, r.runtime, r.target, r.threads): r for r in read_results(bundle)},
        counts={(r.artifact, r.runtime, r.target, r.threads): r for r in read_counts(bundle)},
        apart=twins_apart(bundle),
    )


def compare_sides(
    base: Side, new: Side, allowed: float, metrics: Sequence[Metric]
) -> tuple[GateRow, ...]:
    """A row for all that ``base`` measured; ``allowed`` is a share: 0.02."""
    rows: list[GateRow] = []
    if "latency" in metrics:
        rows += [
            _compare_latency(key, row, base, new, allowed) for key, row in base.latencies.items()
        ]
    if "instructions" in metrics:
        rows += [_compare_count(key, row, new, allowed) for key, row in base.counts.items()]
    return tuple(rows)


def _compare_count(key: Key, row: CountRow, new: Side, allowed: float) -> GateRow:
    later = new.counts.get(key)
    if later is None:
        return _undecided(key, "instructions", row.instructions, None, "not counted in the new one")
    if not row.least:
        reason = "no instruction was counted"
        return _undecided(key, "instructions", row.instructions, later.instructions, reason)
    versions = _other_versions(row, later)
    if versions:
        return _undecided(key, "instructions", row.instructions, later.instructions, versions)
    interval = later.least / row.most, later.most / row.least
    return _decided(key, "instructions", row.instructions, later.instructions, interval, allowed)


def _compare_latency(key: Key, row: Row, base: Side, new: Side, allowed: float) -> GateRow:
    later, was = new.latencies.get(key), row.summary.median_ns
    if later is None:
        return _undecided(key, "latency", was, None, "not measured in the new one")
    now = later.summary.median_ns
    reason = _why_not(row, "then") or _why_not(later, "now") or _other_machine(row, later)
    if reason:
        return _undecided(key, "latency", was, now, reason)
    found = compare(later.summary, row.summary)
    if found.low is None or found.high is None:
        return _undecided(key, "latency", was, now, found.words)
    interval = _widened(found.low, found.high, [_apart(base, row), _apart(new, later)])
    decided = _decided(key, "latency", was, now, interval, allowed)
    said = [words for words in (decided.reason, _other_versions(row, later)) if words]
    return replace(decided, reason="; ".join(said))


def _why_not(row: Row, when: str) -> str:
    verdict = row.judgement.verdict
    if not row.is_latency:
        from edgewright.latency.results import NO_LATENCY

        return NO_LATENCY
    if verdict not in BELIEVED:
        reasons = row.judgement.reasons
        return f"{when} {reasons[0] if reasons else verdict.value}"
    if row.target.startswith("ssh:") and row.unknown_sensors:
        names = ", ".join(row.unknown_sensors)
        return f"{when} it could have been throttled: unknown: {names}"
    return ""


def _other_machine(row: Row, later: Row) -> str:
    for name in MACHINE:
        was, now = row.environment.get(name), later.environment.get(name)
        if was is not None and now is not None and was != now:
            return f"measured on another machine: {name} was {was}, is {now}"
    return ""


def _other_versions(row: Row | CountRow, later: Row | CountRow) -> str:
    """It may be they that made the difference, and not the artifact."""
    changed = [
        f"{name} was {row.in_force[name]}, is {later.in_force[name]}"
        for name in VERSIONS
        if name in row.in_force
        and name in later.in_force
        and row.in_force[name] != later.in_force[name]
    ]
    return f"other versions: {'; '.join(changed)}" if changed else ""


def _apart(side: Side, row: Row) -> float:
    from edgewright.latency.plan import BASELINE_SCHEME

    baseline = f"{row.format}-{BASELINE_SCHEME}"
    return side.apart.get(((baseline, row.runtime, row.target, row.threads), row.job), 0.0)


def _widened(low: float, high: float, apart: Sequence[float]) -> Interval:
    centre = (math.log(low) + math.log(high)) / 2
    half = math.hypot(math.log(high) - centre, *apart)
    return math.exp(centre - half), math.exp(centre + half)


def _decided(
    key: Key, metric: Metric, base: float, new: float, interval: Interval, allowed: float
) -> GateRow:
    low, high = interval
    decision, reason = Decision.UNDECIDED, ""
    if high <= 1 + allowed:
        decision = Decision.PASS
    elif low > 1 + allowed:
        decision = Decision.REGRESSION
    else:
        reason = f"the limit of {percent(allowed)} is within the interval: more rounds narrow it"
    return GateRow(
        artifact=key[0],
        runtime=key[1],
        target=key[2],
        threads=key[3],
        metric=metric,
        base=base,
        new=new,
        ratio=math.sqrt(low * high) if metric == "latency" else new / base,
        low=low,
        high=high,
        decision=decision,
        reason=reason,
    )


def percent(share: float) -> str:
    return f"{share * 100:.4g} %"


def _undecided(key: Key, metric: Metric, base: float, new: float | None, reason: str) -> GateRow:
    return GateRow(
        artifact=key[0],
        runtime=key[1],
        target=key[2],
        threads=key[3],
        metric=metric,
        base=base,
        new=new,
        ratio=None,
        low=None,
        high=None,
        decision=Decision.UNDECIDED,
        reason=reason,
    )

"""What the page says first: what may ship, and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from edgewright.accuracy.intervals import Decision
from edgewright.accuracy.results import GateResult, Result
from edgewright.latency.results import Row
from edgewright.reporting import words
from edgewright.reporting.controls import no_time_gained
from edgewright.reporting.facts import HARNESS, Facts, Subject
from edgewright.reporting.words import decided, joined
from edgewright_runtimes.statistics import Comparison, Verdict

MOST_REASONS = 5
NOT_ITS_OWN = (Verdict.SOFTWARE_GPU, Verdict.THROTTLED_ON_PURPOSE)

Said = tuple[str, str]  # a short name, and what is said of it


def headline(facts: Facts) -> tuple[str, str]:
    """The page's first sentence and its colour: ship, no, few or none."""
    ship = decided(facts.decisions, Decision.SHIP)
    no = decided(facts.decisions, Decision.DO_NOT_SHIP)
    few = decided(facts.decisions, Decision.NOT_ENOUGH_DATA)
    if not facts.subjects:
        return "Nothing was made: there is no artifact to ship.", "no"
    if no or few:
        part = f"{len(ship)} of {len(ship) + len(no) + len(few)} checked artifacts may ship."
        if no:
            return f"{part} Do not ship {words.some(no, 4)}.", "no"
        return f"{part} Not enough data to decide on {words.some(few, 4)}.", "few"
    if ship:
        return f"{_all(len(ship))} may ship.", "ship"
    if facts.results:
        return "Accuracy was measured, but no gate was set: nothing is decided.", "none"
    return "Accuracy was not measured: nothing is decided.", "none"


def _all(count: int) -> str:
    return "The one checked artifact" if count == 1 else f"All {count} checked artifacts"


def details(facts: Facts) -> Iterator[Said]:
    """What stands under the headline: who passed and why, the best of them, what failed."""
    ship = decided(facts.decisions, Decision.SHIP)
    if ship:
        yield "May ship", joined(ship) + _limits(facts)
    yield from _best(facts)
    yield from _refused(facts, Decision.DO_NOT_SHIP)
    yield from _refused(facts, Decision.NOT_ENOUGH_DATA)
    unpaid = [u.artifact for u in no_time_gained(facts) if u.sure]
    if unpaid:
        yield "Bought no time", f"{words.some(list(dict.fromkeys(unpaid)), 4)}; see Compression"
    not_here = [s.artifact.name for s in facts.subjects if s.not_here]
    if not_here:
        yield "Not on this target", joined(not_here)
    failed = sorted({f.artifact for f in facts.failures if f.artifact})
    if failed:
        yield "Failed", f"{joined(failed)}; see Failures"
    if facts.set_aside:
        yield "Set aside", f"{len(facts.set_aside)}, not shown as results; see Set aside"


def _limits(facts: Facts) -> str:
    """Why: the limits, and that the bad end of each interval is inside."""
    gates = dict.fromkeys(_limit(g) for r in facts.results for g in r.gates)
    if not gates:
        return ""
    data = joined(dict.fromkeys(_data(r) for r in facts.results))
    return f". Even the bad end of the interval is inside the limit ({joined(gates)}; {data})."


def _data(result: Result) -> str:
    return f"{result.items:,} items"


def _limit(gate: GateResult) -> str:
    metric, _, drop = gate.gate.partition(":")
    if not drop or drop.endswith("%"):
        return f"{metric} at most {drop} worse" if drop else gate.gate
    return f"{metric} at most {drop} points worse"


def _refused(facts: Facts, decision: Decision) -> Iterator[Said]:
    """The first few with the reason, of the rest the names."""
    name = decision.value.capitalize()
    subjects = [s for s in facts.subjects if s.decision is decision]
    for subject in subjects[:MOST_REASONS]:
        yield name, _why(subject)
    rest = [s.artifact.name for s in subjects[MOST_REASONS:]]
    if rest:
        yield f"{name}, too", joined(rest)


def _why(subject: Subject) -> str:
    said = []
    for result in subject.accuracy:
        for gate in result.gates:
            if gate.decision is Decision.SHIP:
                continue
            change = words.change(gate.score)
            more = f"; about {gate.items_needed:,} items would decide" if gate.items_needed else ""
            said.append(f"{gate.score.metric} {change} ({_limit(gate)}{more})")
    return f"{subject.artifact.name}: {'; '.join(dict.fromkeys(said))}"


def _best(facts: Facts) -> Iterator[Said]:
    """The fastest and the smallest of what may ship, or of all where nothing is decided."""
    ships = [s for s in facts.subjects if s.decision is Decision.SHIP]
    chosen = ships or ([] if any(facts.decisions.values()) else list(facts.subjects))
    of = " that may ship" if ships else ""
    timed = [row for s in chosen for row in s.latency if _counts(row)]
    for target, row in fastest(timed).items():
        place = f" on {target}" if len(facts.targets) > 1 else ""
        yield f"Fastest{of}{place}", _speed(row)
    slower = [row for row in timed if row.comparison and _slower(row.comparison)]
    if slower:
        said = [f"{r.artifact} in {r.runtime}{facts.place(r)}" for r in slower]
        yield "Slower than float32", f"{words.some(said, 4)}; see the column vs float32"
    if facts.rows and not any(row.is_latency for row in facts.rows):
        yield "Latency", "not measured; times of emulated boards are none"
    if not timed and facts.subjects and not facts.rows:
        yield "Latency", f"not measured; edgewright bench {facts.bundle} does it"
    if chosen:
        small = min(chosen, key=lambda s: s.artifact.size_bytes)
        yield f"Smallest{of}", f"{small.artifact.name}, {words.size(small.artifact.size_bytes)}"


def _counts(row: Row) -> bool:
    return row.is_latency and row.runtime != HARNESS


def fastest(rows: Sequence[Row]) -> Mapping[str, Row]:
    """The fastest of each target. A time that is none of the device's own (a software GPU, a
    processor that was held back) counts only where there is no other."""
    found: dict[str, Row] = {}
    for target in dict.fromkeys(row.target for row in rows):
        here = [row for row in rows if row.target == target]
        own = [row for row in here if row.judgement.verdict not in NOT_ITS_OWN]
        found[target] = min(own or here, key=lambda row: row.summary.median_ns)
    return found


def _slower(comparison: Comparison) -> bool:
    return comparison.different and comparison.ratio > 1


def _speed(row: Row) -> str:
    s = row.summary
    interval = "no interval"
    if s.median_interval_ns is not None:
        interval = f"the 99 % interval {words.span(s.median_interval_ns)}"
    against = f"; {row.comparison.words}" if row.comparison else ""
    timing = row.judgement.verdict.value
    return (
        f"{row.artifact} in {row.runtime}, median {words.time(s.median_ns)} "
        f"with {interval}{against}. Timing: {timing}."
    )

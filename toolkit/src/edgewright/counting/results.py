"""From what was counted to instructions per inference: computed when read, never stored.

Of each artifact, runtime and target the latest job counts. What was counted on a file that is no
longer there is left out.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from edgewright.bundle import Bundle, artifact_sha256
from edgewright.latency.plan import baseline_name
from edgewright_runtimes.errors import EdgewrightError
from edgewright_runtimes.records import Artifact, Count

Key = tuple[str, str, str]  # artifact, runtime, target


@dataclass(frozen=True, slots=True, kw_only=True)
class CountRow:
    """Instructions of one inference: the median of the processes, the least and the most of them.

    A process has the median of its blocks, for now and then a runtime does something else in one.

    ``against_float32`` is their ratio to those of the format's float32 in the same runtime on the
    same target; ``None`` for that itself, and where it was not counted.
    """

    artifact: str
    format: str
    scheme: str
    runtime: str
    target: str
    threads: int
    job: str
    instructions: float
    least: float
    most: float
    processes: int
    calls: int
    against_float32: float | None
    in_force: Mapping[str, str]
    started: str

    @property
    def spread(self) -> float:
        """From the least process to the most, as a part of the median."""
        return (self.most - self.least) / self.instructions if self.instructions else 0.0


def set_aside(bundle: Bundle) -> tuple[str, ...]:
    """A line for each artifact whose counts are not shown, and why."""
    return _sort_out(bundle, {a.name: a for a in bundle.artifacts()})[1]


def read_counts(bundle: Bundle) -> tuple[CountRow, ...]:
    """One row for each artifact, runtime and target; in the order of the bundle's artifacts."""
    artifacts = {a.name: a for a in bundle.artifacts()}
    groups = _latest(_sort_out(bundle, artifacts)[0])
    medians = {key: statistics.median(_processes(records)) for key, records in groups.items()}
    order = {name: i for i, name in enumerate(artifacts)}
    rows = [
        _row(artifacts[key[0]], records, medians.get(_baseline_of(artifacts[key[0]], key)))
        for key, records in groups.items()
    ]
    return tuple(sorted(rows, key=lambda r: (order[r.artifact], r.runtime, r.target)))


def _sort_out(
    bundle: Bundle, artifacts: Mapping[str, Artifact]
) -> tuple[list[Count], tuple[str, ...]]:
    now: dict[str, str] = {}
    for artifact in artifacts.values():
        with suppress(OSError, EdgewrightError):
            now[artifact.name] = artifact_sha256(bundle, artifact)
    good: list[Count] = []
    aside: dict[str, None] = {}
    for record in bundle.counts():
        name = record.artifact
        if name not in now:
            aside[f"{name}: counts set aside, of an artifact that is not here"] = None
        elif now[name] != record.artifact_sha256:
            aside[f"{name}: counts set aside, of another file of this name"] = None
        elif record.counts and record.calls_per_block > 0:
            good.append(record)
    return good, tuple(aside)


def _latest(records: Sequence[Count]) -> dict[Key, list[Count]]:
    groups: dict[Key, list[Count]] = {}
    for record in sorted(records, key=lambda r: (r.started, r.job, r.round)):
        groups.setdefault((record.artifact, record.runtime, record.target), []).append(record)
    return {
        key: [record for record in group if record.job == group[-1].job]
        for key, group in groups.items()
    }


def _processes(records: Sequence[Count]) -> list[float]:
    return [statistics.median((n - r.empty) / r.calls_per_block for n in r.counts) for r in records]


def _baseline_of(artifact: Artifact, key: Key) -> Key:
    return baseline_name(artifact.format), key[1], key[2]


def _row(artifact: Artifact, records: Sequence[Count], baseline: float | None) -> CountRow:
    first, processes = records[0], _processes(records)
    middle = statistics.median(processes)
    own = artifact.name == baseline_name(artifact.format)
    return CountRow(
        artifact=artifact.name,
        format=artifact.format,
        scheme=artifact.scheme,
        runtime=first.runtime,
        target=first.target,
        threads=first.threads,
        job=first.job,
        instructions=middle,
        least=min(processes),
        most=max(processes),
        processes=len(processes),
        calls=sum(r.calls_per_block * len(r.counts) for r in records),
        against_float32=None if own or not baseline else middle / baseline,
        in_force=first.in_force,
        started=first.started,
    )

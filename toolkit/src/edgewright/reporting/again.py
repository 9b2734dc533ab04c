"""The baseline under its second name: how far one file is from itself."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from edgewright.bundle import Bundle
from edgewright.latency.plan import AGAIN
from edgewright.latency.results import Row
from edgewright_runtimes.records import Measurement


@dataclass(frozen=True, slots=True, kw_only=True)
class Again:
    """The baseline under its second name: the same file, measured as if it were another."""

    artifact: str
    runtime: str
    target: str
    threads: int
    round_medians_ns: tuple[float, ...]


def read_again(bundle: Bundle, rows: Iterable[Row]) -> tuple[Again, ...]:
    """The second name of each baseline in ``rows``, from the same job, rounds as they ran."""
    records = [m for m in bundle.measurements() if m.label == AGAIN]
    found = []
    for row in rows:
        twins = [m for m in records if _is_twin(m, row)]
        if twins:
            twins.sort(key=lambda m: m.order)
            medians = tuple(_median_ns(bundle, m) for m in twins)
            found.append(
                Again(
                    artifact=row.artifact,
                    runtime=row.runtime,
                    target=row.target,
                    threads=row.threads,
                    round_medians_ns=medians,
                )
            )
    return tuple(found)


def _is_twin(m: Measurement, row: Row) -> bool:
    ours = (row.job, row.artifact, row.runtime, row.target, row.threads)
    return (m.job, m.artifact, m.runtime, m.target, m.threads) == ours


def _median_ns(bundle: Bundle, record: Measurement) -> float:
    samples = bundle.samples(record)[record.warmup_samples :]
    return float(np.median(samples)) / record.calls_per_sample

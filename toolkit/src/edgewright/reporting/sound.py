"""A bundle whose measurements can all be read: what a killed run or a bad disk damaged is named."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from edgewright.bench.plan import AGAIN
from edgewright.bench.results import Row
from edgewright.bundle import Bundle
from edgewright_runtimes.errors import EdgewrightError
from edgewright_runtimes.records import Measurement


class SoundBundle(Bundle):
    """Rounds whose samples are lost, cut or empty are listed in ``problems``, not raised."""

    def measurements(self) -> tuple[Measurement, ...]:
        return tuple(m for m in super().measurements() if self._is_sound(m))

    def _is_sound(self, record: Measurement) -> bool:
        try:
            samples = np.load(self._beside(record.samples_file), mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError, EOFError, EdgewrightError) as e:
            self._problem(f"{record.artifact}: round {record.round} set aside, {e}")
            return False
        if samples.ndim != 1 or samples.dtype != np.int64:
            self._problem(f"{record.artifact}: round {record.round} set aside, no list of times")
            return False
        if samples.size <= record.warmup_samples:
            self._problem(f"{record.artifact}: round {record.round} set aside, it ended in warm-up")
            return False
        return True


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

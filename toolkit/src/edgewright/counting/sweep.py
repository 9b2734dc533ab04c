"""One round of counting: a fresh process, and the counts of its blocks as a record."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import closing
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast, runtime_checkable

from edgewright.latency.rounds import Outcome, as_failure, common_fields, stem
from edgewright.latency.sweep import Sweep
from edgewright.targets.target import Target
from edgewright_runtimes.errors import EdgewrightError
from edgewright_runtimes.records import Count

if TYPE_CHECKING:
    from edgewright.latency.plan import Slot
    from edgewright.targets.target import Worker

UNIT = "instructions"
BLOCKS = 5  # of one process: they show what chance does


@runtime_checkable
class CountingTarget(Target, Protocol):
    """A target of which a worker can count what its processor does."""

    def start_counting(self, runtime: str, *, folder: Path, limit_seconds: float) -> Worker:
        """A worker for one job ``count``, whose row ``counted`` has ``counts`` and ``empty``."""


class CountSweep(Sweep):
    """As a sweep of latencies: answers first, what fails costs its own row."""

    def _measure(self, slot: Slot, on_part: Callable[[float], None]) -> tuple[Outcome, str]:
        started = datetime.now(timezone.utc).isoformat(timespec="seconds")
        rows, stopped = self._ask(slot, on_part)
        if "failure" in rows and not stopped:
            failure = as_failure(rows["failure"], slot.cell, self.setup)
            return Outcome(failure=failure), ""
        if "counted" not in rows or not rows["counted"]["counts"]:
            return Outcome(stopped=stopped), "nothing counted"
        record = self._record(slot, rows, started)
        self.bundle.add_count(record, stem(slot, self.setup))
        self.measured += 1
        first = (record.counts[0] - record.empty) / record.calls_per_block
        return Outcome(stopped=stopped), f"{first:,.0f} {UNIT}"

    def _ask(
        self, slot: Slot, on_part: Callable[[float], None]
    ) -> tuple[dict[str, Mapping[str, Any]], bool]:
        """The last row of each kind; and whether it was stopped."""
        setup, rows = self.setup, dict[str, Mapping[str, Any]]()
        if not isinstance(setup.target, CountingTarget):
            raise EdgewrightError(f"{setup.target.name} counts no {UNIT}")
        job = {
            "job": "count",
            **common_fields(slot.cell, self._model(slot.cell), setup),
            "blocks": BLOCKS,
        }
        worker = setup.target.start_counting(
            slot.cell.runtime, folder=setup.work, limit_seconds=setup.limit_seconds
        )
        with closing(worker):
            for row in worker.rows(job):
                rows[row["row"]] = row
                if row["row"] == "progress":
                    on_part(row["done"] / row["of"])
        return rows, worker.stopped

    def _record(self, slot: Slot, rows: Mapping[str, Mapping[str, Any]], started: str) -> Count:
        cell, counted = slot.cell, rows["counted"]
        return Count(
            job=self.setup.job,
            artifact=cell.artifact.name,
            artifact_sha256=cell.artifact.sha256,
            target=self.setup.target.name,
            runtime=cell.runtime,
            threads=self.setup.threads,
            round=slot.round,
            unit="instructions",
            counts=tuple(cast("list[int]", counted["counts"])),
            empty=counted["empty"],
            calls_per_block=counted["calls_per_block"],
            in_force=rows["loaded"]["in_force"],
            started=started,
        )

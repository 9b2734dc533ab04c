"""One round: a job for a fresh worker, and its rows as a record with its samples."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from edgewright.latency.answers import Answers, WrongAnswers
from edgewright.latency.plan import Budget, Cell, Slot
from edgewright.targets.target import place_words
from edgewright_runtimes.records import Failure, Measurement, Plain, Stage

if TYPE_CHECKING:
    from edgewright.accuracy.outputs import Workers
    from edgewright.targets.target import Row, Target, Worker

SENSOR_SECONDS = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """What every round of a sweep has in common. ``work`` takes files that don't stay."""

    job: str
    target: Target
    threads: int
    preset: str
    budget: Budget
    feeds: Path | None
    answers: Answers
    work: Path
    limit_seconds: float


@dataclass(slots=True)
class Heard:
    """What a worker's rows said, kind by kind; the last of each kind counts."""

    rows: dict[str, Row] = field(default_factory=dict)
    environment: dict[str, Mapping[str, Plain]] = field(default_factory=dict)
    during: list[Mapping[str, Plain]] = field(default_factory=list)
    stopped: bool = False

    def take(self, row: Row) -> None:
        if row["row"] == "environment" and row["when"] == "during":
            self.during.append(row["values"])
        elif row["row"] == "environment":
            self.environment[row["when"]] = row["values"]
        else:
            self.rows[row["row"]] = row


@dataclass(frozen=True, slots=True)
class Outcome:
    """A record whose samples lie in ``samples``, or a failure, or neither where it was stopped
    before its first sample."""

    record: Measurement | None = None
    samples: Path | None = None
    failure: Failure | None = None
    stopped: bool = False


def run_round(
    slot: Slot,
    model: Path,
    setup: Setup,
    *,
    peak_bytes: int | None,
    on_part: Callable[[float], None],
) -> Outcome:
    """Measure one round of one cell; ``on_part`` hears what part of it is done."""
    started = datetime.now(timezone.utc).isoformat(timespec="seconds")
    samples = setup.work / f"{stem(slot, setup)}.npy"
    job = {
        "job": "bench",
        **common_fields(slot.cell, model, setup),
        "seconds": setup.budget.round_seconds,
        "samples": setup.budget.round_samples,
        "samples_file": str(samples),
        "seed": slot.round,
        "sensor_seconds": SENSOR_SECONDS if setup.budget.rounds == 1 else 0.0,
    }
    heard = _ask(job, slot.cell, setup, on_part)
    failure = _failure(heard, slot.cell, setup)
    if failure is not None or "samples" not in heard.rows:
        return Outcome(failure=failure, stopped=heard.stopped)
    record = _record(slot, setup, heard, started=started, peak_bytes=peak_bytes)
    return Outcome(record=record, samples=samples, stopped=heard.stopped)


def run_memory(cell: Cell, model: Path, setup: Setup) -> int | Outcome | None:
    """Peak bytes of a fresh process that loads and runs the artifact; ``None``: not known."""
    heard = _ask(
        {"job": "memory", **common_fields(cell, model, setup)}, cell, setup, lambda _: None
    )
    failure = _failure(heard, cell, setup)
    if failure is not None or heard.stopped:
        return Outcome(failure=failure, stopped=heard.stopped)
    return cast("int | None", heard.rows["memory"]["peak_bytes"])


def run_answers(cell: Cell, model: Path, setup: Setup, workers: Workers) -> Outcome:
    """Whether the artifact answers there as its source does: an empty outcome, or a failure.

    ``workers`` are kept from artifact to artifact: nothing is timed here.
    """
    feeds = setup.answers.feeds(cell.artifact)
    if feeds is None or cell.runtime == "null":  # which computes nothing
        return Outcome()
    outputs = setup.work / "answers.npz"
    job = {
        "job": "predict",
        **common_fields(cell, model, setup),
        "inputs": str(feeds.resolve()),
        "outputs": str(outputs.resolve()),
    }
    heard = _hear(workers.worker(cell.runtime), job, lambda _: None)
    failure = _failure(heard, cell, setup)
    if failure is not None or heard.stopped:
        workers.drop(cell.runtime)
    else:
        try:
            setup.answers.judge(cell.artifact, cell.runtime, outputs)
        except WrongAnswers as e:
            row = {"stage": "verify", "error": str(e.args[0]), "hint": e.hint}
            failure = as_failure(row, cell, setup)
    return Outcome(failure=failure, stopped=heard.stopped)


def common_fields(cell: Cell, model: Path, setup: Setup) -> dict[str, object]:
    return {
        "artifact": str(model.resolve()),
        "runtime": cell.runtime,
        "threads": setup.threads,
        "feeds": "" if setup.feeds is None else str(setup.feeds.resolve()),
    }


def _ask(
    job: Mapping[str, object], cell: Cell, setup: Setup, on_part: Callable[[float], None]
) -> Heard:
    worker = setup.target.start(cell.runtime, folder=setup.work, limit_seconds=setup.limit_seconds)
    with closing(worker):
        return _hear(worker, job, on_part)


def _hear(worker: Worker, job: Mapping[str, object], on_part: Callable[[float], None]) -> Heard:
    heard = Heard()
    for row in worker.rows(job):
        if row["row"] == "progress":
            on_part(float(row["done"]))
        else:
            heard.take(row)
    heard.stopped = worker.stopped
    return heard


def _failure(heard: Heard, cell: Cell, setup: Setup) -> Failure | None:
    row = heard.rows.get("failure")
    return None if row is None or heard.stopped else as_failure(row, cell, setup)


def as_failure(row: Row, cell: Cell, setup: Setup) -> Failure:
    return Failure(
        artifact=cell.artifact.name,
        stage=cast(Stage, row["stage"]),
        error=row["error"],
        hint=row["hint"],
        target=setup.target.name,
        runtime=cell.runtime,
        build_key=cell.artifact.build_key,
    )


def _record(
    slot: Slot, setup: Setup, heard: Heard, *, started: str, peak_bytes: int | None
) -> Measurement:
    samples: Mapping[str, Any] = heard.rows["samples"]
    return Measurement(
        job=setup.job,
        artifact=slot.cell.artifact.name,
        artifact_sha256=slot.cell.artifact.sha256,
        label=slot.cell.label,
        target=setup.target.name,
        runtime=slot.cell.runtime,
        threads=setup.threads,
        preset=setup.preset,
        round=slot.round,
        order=slot.order,
        samples_file=f"{stem(slot, setup)}.npy",
        warmup_samples=samples["warmup_samples"],
        calls_per_sample=samples["calls_per_sample"],
        load_ns=heard.rows["loaded"]["load_ns"],
        first_ns=heard.rows["first"]["ns"],
        peak_memory_bytes=peak_bytes,
        partial=samples["partial"],
        in_force=heard.rows["loaded"]["in_force"],
        before=heard.environment.get("before", {}),
        after=heard.environment.get("after", {}),
        during=tuple(heard.during),
        started=started,
    )


def stem(slot: Slot, setup: Setup) -> str:
    cell = slot.cell
    place = place_words(setup.target.name)
    words = [setup.job, place, cell.artifact.name, cell.runtime, cell.label, str(slot.round)]
    return "-".join(word for word in words if word)

"""Running every item through an artifact on its target, and through the source."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from edgewright.accuracy.output_file import OutputWriter
from edgewright.atomic import WriteFailed
from edgewright_runtimes.errors import EdgewrightError, UsageError
from edgewright_runtimes.records import Failure, Stage

if TYPE_CHECKING:
    from edgewright.conversion.converter import Converter
    from edgewright.targets.target import Target, Worker

Chunk = tuple[Path, int]
Progress = Callable[[int], None]
LIMIT_SECONDS = 600.0  # without a row: it hangs (a worker tells its progress every 2 s)


class RunFailed(EdgewrightError):
    """An artifact could not be run on these items; becomes a failure row."""

    def __init__(self, stage: Stage, error: str, hint: str) -> None:
        super().__init__(error, hint=hint)
        self.stage: Stage = stage


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactRun:
    """What is to be run where: the model's ``file`` by ``runtime`` on ``target``."""

    name: str
    file: Path
    runtime: str
    target: Target
    threads: int = 1

    def failed(self, error: RunFailed) -> Failure:
        return Failure(
            artifact=self.name,
            stage=error.stage,
            error=str(error.args[0]),
            hint=error.hint,
            target=self.target.name,
            runtime=self.runtime,
        )


class Workers:
    """One process per runtime, kept from artifact to artifact; after a failure a fresh one."""

    def __init__(
        self, target: Target, folder: Path, *, limit_seconds: float = LIMIT_SECONDS
    ) -> None:
        self._target, self._folder, self._limit = target, folder, limit_seconds
        self._started: dict[str, Worker] = {}

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *_: object) -> None:
        for runtime in list(self._started):
            self.drop(runtime)

    def worker(self, runtime: str) -> Worker:
        if runtime not in self._started:
            self._started[runtime] = self._target.start(
                runtime, folder=self._folder, limit_seconds=self._limit
            )
        return self._started[runtime]

    def drop(self, runtime: str) -> None:
        worker = self._started.pop(runtime, None)
        if worker is not None:
            worker.close()


def run_artifact(
    run: ArtifactRun,
    chunks: Iterable[Chunk],
    to: Path,
    *,
    workers: Workers,
    work: Path,
    told: Progress,
) -> Mapping[str, str]:
    """Write the artifact's outputs on all items to ``to``; gives what was in force.

    Its process keeps the session open from chunk to chunk. Raises ``RunFailed``.
    """
    in_force: Mapping[str, str] = {}
    writer = OutputWriter(work)
    part = work / "part.npz"
    try:
        for feeds, count in chunks:
            in_force = _predict(run, workers.worker(run.runtime), feeds, part)
            _append(writer, part)
            told(count)
        writer.finish(to)
    except EdgewrightError as e:
        workers.drop(run.runtime)
        if isinstance(e, RunFailed | WriteFailed | UsageError):
            raise  # of the bundle's disk or of the data: not this artifact's fault
        raise RunFailed("run", str(e.args[0]), e.hint) from e
    except BaseException:
        workers.drop(run.runtime)
        raise
    finally:
        writer.close()
    return in_force


def _predict(run: ArtifactRun, worker: Worker, feeds: Path, part: Path) -> Mapping[str, str]:
    in_force: Mapping[str, str] = {}
    job = {
        "job": "predict",
        "artifact": str(run.file.resolve()),
        "runtime": run.runtime,
        "threads": run.threads,
        "inputs": str(feeds.resolve()),
        "outputs": str(part.resolve()),
    }
    for row in worker.rows(job):
        if row["row"] == "failure":
            raise RunFailed(row["stage"], row["error"], row.get("hint", ""))
        if row["row"] == "loaded":
            in_force = row["in_force"]
    if worker.stopped:
        raise KeyboardInterrupt
    return in_force


def run_source(
    converter: Converter, chunks: Iterable[Chunk], to: Path, *, work: Path, told: Progress
) -> None:
    """Write the source's own outputs on all items to ``to``, by the converter process."""
    writer = OutputWriter(work)
    part = work / "source-part.npz"
    try:
        for feeds, count in chunks:
            job = {"do": "predict", "inputs": str(feeds.resolve()), "outputs": str(part.resolve())}
            converter.ask(job)
            _append(writer, part)
            told(count)
        writer.finish(to)
    finally:
        writer.close()


def _append(writer: OutputWriter, part: Path) -> None:
    with np.load(part, allow_pickle=False) as arrays:
        outputs: dict[str, Any] = {name: arrays[name] for name in arrays.files}
    part.unlink()
    writer.append(outputs)

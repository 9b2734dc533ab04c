"""All the rounds of a plan. What fails costs its own row; what is measured stays."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from edgewright.accuracy.outputs import Workers
from edgewright.bundle import Bundle, artifact_sha256
from edgewright.latency.plan import Cell, Slot
from edgewright.latency.rounds import Outcome, Setup, run_answers, run_memory, run_round
from edgewright_runtimes.errors import EdgewrightError
from edgewright_runtimes.records import Artifact, Failure
from edgewright_runtimes.timing import WARMUP_SHARE

if TYPE_CHECKING:
    from edgewright_runtimes.records import Measurement

ROUND_OVERHEAD_SECONDS = 1.0  # a process, its imports, the fixed work: a first guess
FAILED_HERE = ("load", "run", "verify", "measure", "transport")


@dataclass(frozen=True, slots=True)
class Progress:
    """``part`` is of the whole sweep, 0 to 1; ``words`` says what was or is being done."""

    part: float
    seconds_left: float
    words: str
    finished: bool = False  # a round ended, and ``words`` says how
    failed: bool = False


Tell = Callable[[Progress], None]


@dataclass(slots=True)
class Sweep:
    """Run it once; ``failures`` and ``interrupted`` say how it went."""

    bundle: Bundle
    setup: Setup
    tell: Tell
    failures: list[Failure] = field(default_factory=list)
    measured: int = 0
    interrupted: bool = False
    _out: set[tuple[str, str]] = field(default_factory=set)
    _peaks: dict[tuple[str, str], int | None] = field(default_factory=dict)
    _planned_seconds: float = 0.0
    _begin: float = 0.0

    def run(self, cells: Sequence[Cell], slots: Sequence[Slot]) -> None:
        """Answers and memory first, then the rounds. An interrupt ends it, and is not raised."""
        budget = self.setup.budget
        round_seconds = budget.round_seconds * (1 + WARMUP_SHARE) + ROUND_OVERHEAD_SECONDS
        self._planned_seconds = len(slots) * round_seconds
        for name in dict.fromkeys(cell.artifact.name for cell in cells):
            self.bundle.clear_failures(
                artifact=name,
                stages=FAILED_HERE,
                target=self.setup.target.name,
                # no runtime: of the file itself
                runtimes=("", *(c.runtime for c in cells if c.artifact.name == name)),
            )
        try:
            setup = self.setup
            limit = setup.limit_seconds
            with Workers(setup.target, setup.work, limit_seconds=limit) as workers:
                for cell in self._whole(cells):
                    self._first(cell, workers)
            self._begin = time.monotonic()
            for done, slot in enumerate(slots):
                self._round(slot, done / len(slots), 1 / len(slots))
        except KeyboardInterrupt:
            self.interrupted = True

    def _whole(self, cells: Sequence[Cell]) -> Iterator[Cell]:
        """Each artifact and runtime once, but for files that are not what was converted."""
        whole: dict[str, bool] = {}
        for cell in cells:
            name = cell.artifact.name
            if name not in whole:
                whole[name] = self._is_whole(cell.artifact)
            if not whole[name]:
                self._out.add(_key(cell))
            elif not cell.label:
                yield cell

    def _is_whole(self, artifact: Artifact) -> bool:
        try:
            same = artifact_sha256(self.bundle, artifact) == artifact.sha256
            error = "the file is not the one that was converted (its sha256 differs)"
        except (OSError, EdgewrightError) as e:
            same, error = False, f"the file cannot be read: {e}"
        if not same:
            target = self.setup.target.name
            hint = "convert it again with --force"
            self._fail(
                Failure(artifact=artifact.name, stage="load", error=error, hint=hint, target=target)
            )
        return same

    def _first(self, cell: Cell, workers: Workers) -> None:
        """What is found out once, before the rounds."""
        if self.setup.target.fresh_answers:
            self._say(0.0, f"{cell.words}: its answers")
            self._take(cell, run_answers(cell, self._model(cell), self.setup, workers))
        if self.setup.target.measures_memory and _key(cell) not in self._out:
            self._memory(cell)

    def _memory(self, cell: Cell) -> None:
        self._say(0.0, f"{cell.words}: peak memory")
        peak = run_memory(cell, self._model(cell), self.setup)
        if isinstance(peak, Outcome):
            self._take(cell, peak)
        else:
            self._peaks[_key(cell)] = peak

    def _round(self, slot: Slot, before: float, share: float) -> None:
        cell = slot.cell
        if _key(cell) in self._out:
            return
        words = f"round {slot.round + 1} of {self.setup.budget.rounds}, {cell.words}"
        self._say(before, words)

        def on_part(part: float) -> None:
            self._say(before + part * share, words)

        outcome, result = self._measure(slot, on_part)
        if self._was_lost(outcome):
            self._say(before, f"{words}: lost on the way, once more")
            outcome, result = self._measure(slot, on_part)
        self._take(cell, outcome)
        if outcome.failure is None:
            self._say(before + share, f"{words}: {result}", finished=True)

    def _was_lost(self, outcome: Outcome) -> bool:
        """Between here and a board: no fault of the artifact's, and a board that restarted or was
        busy is there again. A page that is gone does not come back."""
        failure = outcome.failure
        here = self.setup.target.name.startswith("ssh:")
        return here and failure is not None and failure.stage == "transport"

    def _measure(self, slot: Slot, on_part: Callable[[float], None]) -> tuple[Outcome, str]:
        """Measure one round and keep it: how it went, and its result in words."""
        outcome = run_round(
            slot,
            self._model(slot.cell),
            self.setup,
            peak_bytes=self._peaks.get(_key(slot.cell)),
            on_part=on_part,
        )
        return outcome, self._keep(outcome.record, outcome.samples)

    def _keep(self, record: Measurement | None, file: Path | None) -> str:
        if record is None or file is None:
            return "nothing measured"
        samples = np.load(file, allow_pickle=False)
        file.unlink()
        steady = samples[record.warmup_samples :]
        if not len(steady):
            return "nothing measured"
        self.bundle.add_measurement(record, samples)
        self.measured += 1
        return f"{float(np.median(steady)) / record.calls_per_sample / 1e6:.4g} ms"

    def _take(self, cell: Cell, outcome: Outcome) -> None:
        if outcome.failure is not None:
            self._out.add(_key(cell))
            self._fail(outcome.failure)
        if outcome.stopped:
            raise KeyboardInterrupt

    def _fail(self, failure: Failure) -> None:
        self.failures.append(failure)
        self.bundle.add_failure(failure)
        where = f" in {failure.runtime}" if failure.runtime else ""
        words = f"{failure.artifact}{where}: FAILED at {failure.stage}: {failure.error}"
        self.tell(Progress(0.0, 0.0, f"{words}; {failure.hint}", failed=True))

    def _model(self, cell: Cell) -> Path:
        return self.bundle.model_file(cell.artifact)

    def _say(self, part: float, words: str, *, finished: bool = False) -> None:
        self.tell(Progress(part, self._seconds_left(part), words, finished))

    def _seconds_left(self, part: float) -> float:
        """By the plan at first, then by how long the part that is done took."""
        if not part:
            return self._planned_seconds
        return (1 - part) / part * (time.monotonic() - self._begin)


def _key(cell: Cell) -> tuple[str, str]:
    return cell.artifact.name, cell.runtime

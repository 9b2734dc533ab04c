"""The process that trains, as the toolkit sees it: its rows, its questions, and its end."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from edgewright.conversion.converter import JobFailed
from edgewright.line_process import LineProcess
from edgewright_runtimes.errors import EdgewrightError, UsageError
from edgewright_runtimes.record_json import from_dict
from edgewright_runtimes.records import TensorSpec

if TYPE_CHECKING:
    from edgewright_converters.compression.job import CompressJob, DataFolders

Row = Mapping[str, Any]
STOP_SECONDS = 60.0  # a checkpoint is written when it is interrupted


class Latencies(Protocol):
    def __call__(self, models: list[Path], *, scheme: str) -> list[float]:
        """Median nanoseconds of each Keras file's artifact on the target, interleaved."""


class Stopped(EdgewrightError):
    """Interrupted; what was trained is kept."""


class Training:
    """One job in a process of its own: ``open``, ``check``, ``run``, in this order; close it.

    Each raises ``JobFailed`` (``Refused`` for bad input), ``ProcessDied``; ``run`` also
    ``Stopped``.
    """

    def __init__(self, job: CompressJob, *, log: Path) -> None:
        self._process = LineProcess(_argv(), log=log, env=_environment())
        self._process.send(json.loads(json.dumps(asdict(job))))

    def close(self) -> None:
        self._process.close()

    def open(self) -> tuple[TensorSpec, ...]:
        """What the source takes, in its order."""
        row = _checked(self._process.receive())
        return tuple(from_dict(TensorSpec, spec) for spec in row["inputs"])

    def check(self, data: DataFolders) -> None:
        """Whether the steps can learn from the data."""
        _checked(self._process.ask(asdict(data)))

    def run(self, *, latencies: Latencies, tell: Callable[[Row], None]) -> None:
        """The steps; ``tell`` hears the rows."""
        self._process.send({"do": "compress"})
        stopping = False
        while True:
            try:
                row = self._process.receive(timeout=STOP_SECONDS if stopping else None)
                if row["row"] == "measure":
                    self._process.send(_answer(latencies, row))
                elif row["row"] == "interrupted":
                    raise Stopped(row.get("words") or "interrupted; what was trained is kept")
                elif _checked(row)["row"] == "done":
                    return
                else:
                    tell(row)
            except KeyboardInterrupt:  # also while a row is shown: the process is told in any case
                if stopping:
                    raise
                stopping = True
                self._process.interrupt()


class Refused(JobFailed, UsageError):
    """Bad input found by the process: the same error as if it had been found here.

    ``number`` is the step at fault, ``None`` where it is none, and ``field`` the way to the field.
    """

    def __init__(self, row: Row) -> None:
        super().__init__(dict(row))
        self.number: int | None = row.get("number")
        self.field = str(row.get("field", ""))


def _checked(row: Row) -> Row:
    if row["row"] == "failure":
        raise Refused(row) if row.get("exit_code") == 2 else JobFailed(dict(row))
    return row


def _answer(latencies: Latencies, row: Row) -> Row:
    try:
        medians = latencies([Path(path) for path in row["models"]], scheme=row["scheme"])
        return {"medians_ns": medians}
    except EdgewrightError as e:
        return {"error": str(e.args[0]), "hint": e.hint}


def _argv() -> list[str]:
    return [sys.executable, "-m", "edgewright_converters.compression"]


def _environment() -> Mapping[str, str]:
    """The same weights again: one order of sums, and no surprise from a JIT compiler."""
    return {
        "TF_DETERMINISTIC_OPS": "1",
        "TF_CPP_MIN_LOG_LEVEL": os.environ.get("TF_CPP_MIN_LOG_LEVEL", "2"),
    }

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

if TYPE_CHECKING:
    from edgewright_converters.compression.job import CompressJob

Row = Mapping[str, Any]
STOP_SECONDS = 60.0  # a checkpoint is written when it is interrupted


class Latencies(Protocol):
    def __call__(self, models: list[Path], *, scheme: str) -> list[float]:
        """Median nanoseconds of each Keras file's artifact on the target, interleaved."""


class Stopped(EdgewrightError):
    """Interrupted; what was trained is kept."""


def run_compression(
    job: CompressJob, *, log: Path, latencies: Latencies, tell: Callable[[Row], None]
) -> None:
    """Do the job in a process of its own; ``tell`` hears its rows.

    Raises ``JobFailed`` (a ``UsageError`` for bad input), ``ProcessDied``, or ``Stopped``.
    """
    argv = [sys.executable, "-m", "edgewright_converters.compression"]
    process = LineProcess(argv, log=log, env=_environment())
    stopping = False
    with process:
        process.send(json.loads(json.dumps(asdict(job))))
        while True:
            try:
                row = process.receive(timeout=STOP_SECONDS if stopping else None)
                if row["row"] == "measure":
                    process.send(_answer(latencies, row))
                    continue
            except KeyboardInterrupt:
                if stopping:
                    raise
                stopping = True
                process.interrupt()
                continue
            if row["row"] == "failure":
                raise _Refused(row) if row.get("exit_code") == 2 else JobFailed(dict(row))
            if row["row"] == "interrupted":
                raise Stopped(row.get("words") or "interrupted; what was trained is kept")
            if row["row"] == "done":
                return
            tell(row)


class _Refused(JobFailed, UsageError):
    """Bad input found by the process: the same error as if it had been found here."""

    def __init__(self, row: Row) -> None:
        super().__init__(dict(row))


def _answer(latencies: Latencies, row: Row) -> Row:
    try:
        medians = latencies([Path(path) for path in row["models"]], scheme=row["scheme"])
        return {"medians_ns": medians}
    except EdgewrightError as e:
        return {"error": str(e.args[0]), "hint": e.hint}


def _environment() -> Mapping[str, str]:
    """The same weights again: one order of sums, and no surprise from a JIT compiler."""
    return {
        "TF_DETERMINISTIC_OPS": "1",
        "TF_CPP_MIN_LOG_LEVEL": os.environ.get("TF_CPP_MIN_LOG_LEVEL", "2"),
    }

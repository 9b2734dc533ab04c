"""The converter process as the builder sees it: ask for one thing, get a record or a failure."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from edgewright.line_process import LineProcess, ProcessDied, ProcessHung
from edgewright_runtimes.errors import EdgewrightError, UsageError

CONVERT_LIMIT_SECONDS = 1800.0
Row = dict[str, Any]


class JobFailed(EdgewrightError):
    """The converter refused the job; ``known`` where its own reason says why."""

    def __init__(self, row: Row) -> None:
        super().__init__(str(row["error"]), hint=str(row.get("hint", "")))
        self.stage = str(row.get("stage", "convert"))
        self.exit_code = int(row.get("exit_code", 1))
        self.passing = bool(row.get("passing", False))  # the machine's state, not the model


class Converter:
    """A warm child; after a crash the next question starts a fresh one.

    ``warm`` starts it and sends the first job, so that TensorFlow loads while data is read.
    """

    def __init__(self, model: Path, *, unsafe: bool, signature: str, log: Path) -> None:
        self._job = {"source": str(model), "unsafe": unsafe, "signature": signature}
        self._log = log
        self._process: LineProcess | None = None
        self._opening = False
        self._killed = False

    def warm(self) -> None:
        self._start().send({"do": "open", **self._job})
        self._opening = True

    def open(self) -> Row:
        """The source's row: kind, inputs, outputs, stateful, notes."""
        if not self._opening:
            self.warm()
        self._opening = False
        process = self._start()
        return self._checked(process.receive(timeout=CONVERT_LIMIT_SECONDS))

    def ask(self, job: Row) -> Row:
        """Raises ``JobFailed``, ``ProcessDied`` or ``ProcessHung``; a dead child is forgotten."""
        try:
            return self._checked(
                self._start().ask({**self._job, **job}, timeout=CONVERT_LIMIT_SECONDS)
            )
        except (ProcessDied, ProcessHung):
            self.close()
            raise

    def close(self) -> None:
        if self._process is not None:
            self._process.close()
            self._process = None

    def kill(self) -> None:
        """For good: whoever waits for an answer gets ``ProcessDied``, and no child is started."""
        self._killed = True
        if self._process is not None:
            self._process.kill()
            self._process = None

    def _start(self) -> LineProcess:
        if self._killed:
            raise ProcessDied("the run was stopped", of_itself=False)
        if self._process is None:
            argv = [sys.executable, "-m", "edgewright_converters.child"]
            self._process = LineProcess(argv, log=self._log)
        return self._process

    def _checked(self, row: Row) -> Row:
        if row["row"] == "failure":
            raise _SourceRefused(row) if row.get("exit_code") == 2 else JobFailed(row)
        return row


class _SourceRefused(JobFailed, UsageError):
    """Bad input found by the child: the same error as if it had been found here."""

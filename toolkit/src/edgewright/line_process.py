"""A child process that takes JSON lines and answers with rows; the one place that watches it.

Its standard error goes to a file, so that the reason of a crash can be shown.
"""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from edgewright_runtimes.errors import BadInput, EdgewrightError
from edgewright_runtimes.protocol import read_line, write_line

Row = dict[str, Any]
_FROM_OUTSIDE = frozenset({"SIGKILL", "SIGTERM", "SIGINT", "SIGHUP"})


class ProcessDied(EdgewrightError):
    """The child ended in the middle of a job: a crash, a kill, or no memory.

    ``of_itself``: by a crash of its own, which would come again; not by a signal from outside.
    """

    def __init__(self, message: str, *, of_itself: bool = True) -> None:
        super().__init__(message)
        self.of_itself = of_itself


class ProcessHung(EdgewrightError):
    """No answer within the job's limit; the child was killed."""


class LineProcess:
    """Start it, ``ask`` it, ``close`` it (or ``with``).

    A parent that is killed closes the child's input and output: by that it knows to end.
    """

    def __init__(
        self, argv: Sequence[str], *, log: Path, env: Mapping[str, str] | None = None
    ) -> None:
        self._log = log
        self._nonsense = ""  # what it wrote that is no row
        with log.open("ab") as errors:
            self._process = subprocess.Popen(
                list(argv),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                env={**os.environ, **(env or {})},
                start_new_session=True,  # Ctrl-C is the parent's to handle
            )
        self._rows: queue.Queue[Row | None] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def __enter__(self) -> LineProcess:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def send(self, job: Mapping[str, Any]) -> None:
        stdin = self._process.stdin
        if stdin is None or not self.alive:
            raise self._died()
        try:
            write_line(stdin, job)
        except (BrokenPipeError, ValueError):
            raise self._died() from None

    def receive(self, *, timeout: float | None = None) -> Row:
        """The next row. Raises ``ProcessDied`` or ``ProcessHung``."""
        try:
            row = self._rows.get(timeout=timeout)
        except queue.Empty:
            self.kill()
            raise ProcessHung(f"no answer within {timeout:.0f} s; stopped") from None
        if row is None:
            raise self._died()
        return row

    def ask(self, job: Mapping[str, Any], *, timeout: float | None = None) -> Row:
        self.send(job)
        return self.receive(timeout=timeout)

    def interrupt(self) -> None:
        """Ctrl-C for the child: it sits in a session of its own, and does not hear ours."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._process.pid, signal.SIGINT)

    def kill(self) -> None:
        self._signal_all()
        self._process.wait()
        with contextlib.suppress(BrokenPipeError):
            if self._process.stdin is not None:
                self._process.stdin.close()

    def _signal_all(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def close(self) -> None:
        """End the child's input and wait a little; what does not end is killed."""
        with contextlib.suppress(BrokenPipeError):
            if self._process.stdin is not None:
                self._process.stdin.close()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self.kill()

    def _read(self) -> None:
        stdout = self._process.stdout
        if stdout is not None:
            with stdout:
                for line in stdout:
                    if not line.endswith("\n"):
                        break  # it died in the middle of a row
                    try:
                        self._rows.put(read_line(line))
                    except BadInput as e:
                        self._nonsense = str(e)
                        self._signal_all()
                        break
        self._rows.put(None)

    def _died(self) -> ProcessDied:
        code = self._process.wait()
        self._rows.put(None)  # every later question gets the same answer
        if self._nonsense:
            return ProcessDied(f"the process was stopped, for it wrote {self._nonsense}")
        words = f"the process {how_it_ended(code)}{self._last_words()}"
        # with exit code 0 its input had ended: it was told to
        return ProcessDied(words, of_itself=code != 0 and _signal(code) not in _FROM_OUTSIDE)

    def _last_words(self) -> str:
        """The last line it wrote to standard error, if any: usually the reason."""
        with contextlib.suppress(OSError):
            with self._log.open("rb") as stream:
                stream.seek(max(0, self._log.stat().st_size - 4096))
                lines = stream.read().decode(errors="replace").strip().splitlines()
            if lines:
                return f" (its last line: {lines[-1].strip()[:200]})"
        return ""


def how_it_ended(code: int) -> str:
    if code >= 0:
        return f"ended with exit code {code}"
    name = _signal(code)
    if name == "SIGKILL":
        return "was killed (SIGKILL; out of memory is the usual reason)"
    return f"crashed ({name})"


def _signal(code: int) -> str:
    """Its name where the process ended by a signal, else empty."""
    if code >= 0:
        return ""
    try:
        return signal.Signals(-code).name
    except ValueError:
        return str(-code)

"""The process that runs the jobs of a folder in one fresh worker, and ends it where it must end.

All limits of the worker live in this process, so the kernel ends the worker where this one is
killed. Its rows come through here on their way to the file.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from types import FrameType
from typing import IO, cast

from edgewright_runtimes.agent.job_folder import JobFolder
from edgewright_runtimes.agent.process import ends_with_this
from edgewright_runtimes.agent.worker_log import WorkerLog
from edgewright_runtimes.errors import BadInput
from edgewright_runtimes.protocol import read_line

GRACE_SECONDS = 1.5  # of two: what is killed must be gone by then
LAST_SECONDS = 5.0  # for a worker to end when its jobs are done
MOST_LINE_BYTES = 512 << 10
MOST_ROWS_BYTES = 16 << 20
LAST = ("done", "failure")
WORKER = ("-m", "edgewright_runtimes.worker")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """``silent_seconds``: without a row; ``seconds``: in all."""

    silent_seconds: float
    seconds: float


class Watch:
    """``start`` it, then ``run`` it to the end, in a process of its own."""

    def __init__(self, folder: JobFolder, limits: Limits) -> None:
        self._folder, self._limits = folder, limits
        self._jobs = folder.jobs.read_bytes()
        self._left = sum(1 for line in self._jobs.splitlines() if line.strip())
        self._line = b""  # what came of the row that comes
        self._written = 0
        self._why = ""
        self._stop_by: float | None = None
        self._wake, self._waker = os.pipe()
        os.set_blocking(self._waker, False)

    def start(self, held: Sequence[int]) -> None:
        """Start the worker, which keeps ``held`` open, and say so. Raises ``OSError``."""
        self._worker = subprocess.Popen(
            [sys.executable, *WORKER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            cwd=self._folder.path,
            env={**os.environ, "PYTHONSAFEPATH": "1"},
            start_new_session=True,
            pass_fds=tuple(held),
            preexec_fn=ends_with_this(),
        )
        self._log = WorkerLog(self._folder.log, cast("IO[bytes]", self._worker.stderr))
        signal.set_wakeup_fd(self._waker)
        signal.signal(signal.SIGTERM, self._on_stop)
        self._folder.write_started(os.getpid(), self._worker.pid)

    def run(self) -> None:
        """Until the worker has ended; then the folder says how."""
        try:
            self._send(self._jobs)
            with self._folder.rows.open("ab", buffering=0) as rows:
                self._relay(rows)
        except OSError as e:
            self._end(f"the board cannot write its results: {e.strerror or e}")
        finally:
            self._stdin.close()
            code = self._wait()
            self._log.close()
            self._folder.write_ended(code, self._why)

    @property
    def _stdin(self) -> IO[bytes]:
        return cast("IO[bytes]", self._worker.stdin)

    def _relay(self, rows: IO[bytes]) -> None:
        """Whole lines from the worker into the file, as they come."""
        source = cast("IO[bytes]", self._worker.stdout).fileno()
        begin = last = time.monotonic()
        while True:
            ready = select.select([source, self._wake], [], [], self._time_left(begin, last))[0]
            if self._wake in ready:
                os.read(self._wake, 512)
            if source not in ready:
                continue
            data = os.read(source, 64 << 10)
            if not data:
                return
            last = time.monotonic()
            whole, end, self._line = (self._line + data).rpartition(b"\n")
            if len(self._line) > MOST_LINE_BYTES:
                self._end("it wrote a row that did not end")
            elif self._written + len(whole) > MOST_ROWS_BYTES:
                self._end(f"it wrote rows of more than {MOST_ROWS_BYTES >> 20} MB")
            elif end:
                self._write(rows, whole + end)

    def _time_left(self, begin: float, last: float) -> float:
        """Seconds until the next limit; what is at its limit is ended."""
        silent, whole = self._limits.silent_seconds, self._limits.seconds
        ends = [
            (last + silent, f"no answer within {silent:.0f} s"),
            (begin + whole, f"not done within {whole:.0f} s"),
        ]
        if self._stop_by is not None:
            ends.append((self._stop_by, "stopped"))
        when, why = min(ends)
        left = when - time.monotonic()
        if left <= 0:
            self._end(why)
            return 1.0  # it is being killed, and its output ends
        return min(left, 60.0)

    def _write(self, rows: IO[bytes], lines: bytes) -> None:
        rest = memoryview(lines)
        while rest:
            rest = rest[rows.write(rest) :]
        self._written += len(lines)
        self._left -= sum(_is_last(line) for line in lines.splitlines())
        if self._left <= 0:
            self._stdin.close()

    def _send(self, lines: bytes) -> None:
        with suppress(BrokenPipeError, ValueError):  # it has ended, or is to end
            self._stdin.write(lines)

    def _on_stop(self, number: int, frame: FrameType | None) -> None:
        if self._stop_by is None:
            self._stop_by = time.monotonic() + GRACE_SECONDS
            self._send(b'{"job": "stop"}\n')

    def _end(self, why: str) -> None:
        self._why = self._why or why
        with suppress(ProcessLookupError):
            os.killpg(self._worker.pid, signal.SIGKILL)

    def _wait(self) -> int:
        try:
            return self._worker.wait(timeout=LAST_SECONDS)
        except subprocess.TimeoutExpired:
            self._end("it did not end when its jobs were done")
            return self._worker.wait()


def _is_last(line: bytes) -> bool:
    try:
        return read_line(line.decode(errors="replace")).get("row") in LAST
    except BadInput:
        return False

"""Command lines that are killed in the middle, and what they leave behind (Linux's /proc)."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

STEP_SECONDS = 0.005
PATIENCE_SECONDS = 120.0
ORPHANS_END_SECONDS = 5.0  # a worker notices when it writes its next row: every two seconds


class Started:
    """``edgewright WORDS`` in a process of its own, watched through ``until``."""

    def __init__(self, words: Sequence[str | Path], log: Path) -> None:
        argv = [sys.executable, "-m", "edgewright", *map(str, words)]
        self.log = log
        with log.open("wb") as stream:
            self._process = subprocess.Popen(
                argv, stdout=stream, stderr=subprocess.STDOUT, preexec_fn=_hear_ctrl_c
            )
        self.children: set[int] = set()

    @property
    def pid(self) -> int:
        return self._process.pid

    def until(self, happened: Callable[[], bool]) -> bool:
        """Wait for it; ``False`` where the process ended first."""
        end = time.monotonic() + PATIENCE_SECONDS
        while not happened():
            if self._process.poll() is not None:
                return happened()
            if time.monotonic() > end:
                raise TimeoutError(self.log.read_text())
            time.sleep(STEP_SECONDS)
        return True

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    def interrupt(self) -> int:
        return self._end(signal.SIGINT)

    def _end(self, number: int) -> int:
        self.children = descendants(self._process.pid)
        self._process.send_signal(number)
        return self._process.wait(timeout=PATIENCE_SECONDS)

    def orphans(self) -> list[str]:
        """The command lines of children that still run when they had time to end."""
        end = time.monotonic() + ORPHANS_END_SECONDS
        while (left := [p for p in self.children if _runs(p)]) and time.monotonic() < end:
            time.sleep(0.05)
        return [command_line(p) for p in left]


def _hear_ctrl_c() -> None:
    """Whoever was started in the background of a shell ignores it, and so do its children."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def descendants(pid: int) -> set[int]:
    parents = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            parents[int(entry.name)] = int(
                (entry / "stat").read_text().rpartition(")")[2].split()[1]
            )
        except (OSError, ValueError):
            continue
    found: set[int] = set()
    new = {pid}
    while new:
        new = {child for child, parent in parents.items() if parent in new} - found
        found |= new
    return found


def running(module: str) -> int | None:
    """The process id of a child of this process that runs ``module``."""
    found = (p for p in descendants(os.getpid()) if module in command_line(p) and _runs(p))
    return next(found, None)


def command_line(pid: int) -> str:
    try:
        return (Path("/proc") / str(pid) / "cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


def _runs(pid: int) -> bool:
    try:
        state = (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in ("Z", "X")

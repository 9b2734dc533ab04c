"""One job at a time on a board, whoever asks: a file that the watching process keeps locked.

The kernel lets go of it when that process ends in whatever way, or the board restarts: what then
stands in the file is the name of one who is gone (a stale lock), and nobody waits for it.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType

RECORD_BYTES = 4_096
LOOK_SECONDS = 0.5  # whether to go on waiting


class DeviceLock:
    """``take`` it, and hand ``fd`` to the process that is to hold it; then ``close``."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._path = path
        self.fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)

    def take(self, *, wait_seconds: float = 0.0, over: Callable[[], bool] = bool) -> bool:
        """Whether it was free, or came free in time and before ``over``. Who waits stands in a
        row, and costs the board next to nothing."""
        try:
            fcntl.flock(self.fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            return wait_seconds > 0 and self._wait(wait_seconds, over)

    def _wait(self, seconds: float, over: Callable[[], bool]) -> bool:
        until = time.monotonic() + seconds

        def look(number: int, frame: FrameType | None) -> None:
            if over() or time.monotonic() >= until:
                raise TimeoutError

        before = signal.signal(signal.SIGALRM, look)
        signal.setitimer(signal.ITIMER_REAL, min(seconds, LOOK_SECONDS), LOOK_SECONDS)
        try:
            fcntl.flock(self.fd, fcntl.LOCK_EX)
            return True
        except TimeoutError:
            return False
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)

    @property
    def stands(self) -> bool:
        """Whether it is still the file of its name: one that was removed excludes nobody."""
        try:
            return os.path.samestat(os.fstat(self.fd), os.stat(self._path))
        except FileNotFoundError:
            return False

    def holder(self) -> dict[str, str]:
        """``owner`` and ``since`` of whoever has it, or had it and is gone; empty: nobody."""
        try:
            values = json.loads(os.pread(self.fd, RECORD_BYTES, 0))
            return {"owner": str(values["owner"]), "since": str(values["since"])}
        except (ValueError, KeyError, TypeError):
            return {}

    def sign(self, owner: str) -> None:
        since = time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime())
        os.ftruncate(self.fd, 0)
        os.pwrite(self.fd, json.dumps({"owner": owner, "since": since}).encode(), 0)

    def clear(self) -> None:
        """Say that nobody has it; it is free when its holders close it."""
        os.ftruncate(self.fd, 0)

    def close(self) -> None:
        """This process no longer holds it; one that was forked still does."""
        os.close(self.fd)

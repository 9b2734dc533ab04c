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
from pathlib import Path
from types import FrameType

RECORD_BYTES = 4_096


class DeviceLock:
    """``take`` it, and hand ``fd`` to the process that is to hold it; then ``close``."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)

    def take(self, *, wait_seconds: float = 0.0) -> bool:
        """Whether it was free, or came free in time. Waiting costs the board nothing."""
        try:
            fcntl.flock(self.fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            return wait_seconds > 0 and self._wait(wait_seconds)

    def _wait(self, seconds: float) -> bool:
        before = signal.signal(signal.SIGALRM, _too_late)
        signal.setitimer(signal.ITIMER_REAL, seconds)
        try:
            fcntl.flock(self.fd, fcntl.LOCK_EX)
            return True
        except TimeoutError:
            return False
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)

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


def _too_late(number: int, frame: FrameType | None) -> None:
    raise TimeoutError

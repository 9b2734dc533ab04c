"""The folder of one start: what the jobs read, what came of them, and whether they still run.

jobs.ndjson    as they were sent
started.json   who watches over them: pid, began; the worker; boot
rows.ndjson    the worker's rows
log            the standard error of the worker, its beginning and its end
ended.json     code, why: there only when all is over
alive          held locked by the watching process as long as it lives
samples.npy, outputs.npz: what the jobs made
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from edgewright_runtimes.agent.process import identity
from edgewright_runtimes.errors import UsageError

RESULTS = ("samples.npy", "outputs.npz")
ENDED_BYTES = 4_096
KEPT_SECONDS = 24 * 3600.0  # of a folder whose workstation never came back


class JobFolder:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.jobs = path / "jobs.ndjson"
        self.rows = path / "rows.ndjson"
        self.log = path / "log"
        self.alive = path / "alive"
        self._started = path / "started.json"
        self._ended = path / "ended.json"
        self._reserved = path / "ended.tmp"

    def prepare(self, jobs: bytes) -> int:
        """Write what the jobs need, and room for how they end; gives ``alive``, locked."""
        self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.jobs.write_bytes(jobs)
        self.rows.write_bytes(b"")
        # a disk that is full when the jobs end must not keep that from being told
        self._reserved.write_bytes(b" " * ENDED_BYTES)
        alive = os.open(self.alive, os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(alive, fcntl.LOCK_EX)
        return alive

    @property
    def started(self) -> Mapping[str, Any] | None:
        return _read(self._started)

    @property
    def ended(self) -> Mapping[str, Any] | None:
        return _read(self._ended)

    def write_started(self, watcher: int, worker: int) -> None:
        temporary = self.path / "started.tmp"
        values = {**identity(watcher), "worker": identity(worker), "boot": boot_id()}
        temporary.write_text(json.dumps(values))
        temporary.replace(self._started)

    def write_ended(self, code: int | None, why: str) -> None:
        text = json.dumps({"code": code, "why": why[:1_000]}).encode().ljust(ENDED_BYTES)
        with self._reserved.open("r+b") as file:
            file.write(text)
        self._reserved.replace(self._ended)

    def wait(self) -> None:
        """Until nobody watches over the jobs any more: they are over, whatever happened."""
        with self.alive.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH)

    @property
    def running(self) -> bool:
        try:
            with self.alive.open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except FileNotFoundError:
            return False
        except BlockingIOError:
            return True
        return False

    def last_words(self) -> str:
        """The last line of the log, if any: usually the reason of a crash."""
        with suppress(OSError), self.log.open("rb") as stream:
            stream.seek(max(0, self.log.stat().st_size - 4_096))
            lines = stream.read().decode(errors="replace").strip().splitlines()
            if lines:
                return lines[-1].strip()[:200]
        return ""

    def remove(self) -> None:
        """Raises ``UsageError`` where it runs, or is no folder of jobs."""
        if not self.path.exists():
            return
        if not (self.alive.exists() or self.jobs.exists()):
            raise UsageError(f"{self.path} is no folder of jobs")
        if self.running:
            raise UsageError(f"the jobs of {self.path} still run", hint="stop them first")
        shutil.rmtree(self.path, ignore_errors=True)


def forget_old(jobs: Path, now: float, uptime: float) -> None:
    """Remove folders whose workstation has not come back for a day.

    ``now`` may leap by weeks where a board without a clock gets the time from the network. So what
    was started since the board was is no older than ``uptime``, in seconds.
    """
    for path in jobs.iterdir():
        folder = JobFolder(path)
        with suppress(OSError):
            if not folder.jobs.exists():
                continue
            age = now - path.stat().st_mtime
            if (folder.started or {}).get("boot") == boot_id():
                age = min(age, uptime)
            if age > KEPT_SECONDS and not folder.running:
                folder.remove()


def boot_id() -> str:
    """Another after every start of the board; empty where the kernel does not say."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


def _read(path: Path) -> Mapping[str, Any] | None:
    try:
        values = json.loads(path.read_text())
    except (OSError, ValueError):
        return None
    return values if isinstance(values, dict) else None

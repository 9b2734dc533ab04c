"""The verb ``start``: take the board's lock, and begin the jobs in a process that stays."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from edgewright_runtimes.agent.device_lock import DeviceLock
from edgewright_runtimes.agent.follow import follow, say
from edgewright_runtimes.agent.job_folder import JobFolder, forget_old
from edgewright_runtimes.agent.store import make_room, missing
from edgewright_runtimes.agent.watch import Limits, Watch
from edgewright_runtimes.errors import BadInput, EdgewrightError
from edgewright_runtimes.protocol import read_line

MOST_JOBS_BYTES = 1 << 20
NOT_STARTED = 1
AGAIN = "run the command again: it sets the board up"


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """What to start: ``needs`` are names and sizes of files in ``store``; ``drop`` are names of
    folders beside this one whose results were all taken."""

    folder: JobFolder
    limits: Limits
    owner: str
    wait_seconds: float = 0.0
    store: Path | None = None
    needs: Mapping[str, int] = field(default_factory=dict)
    drop: Sequence[str] = ()


def start(order: Start) -> int:
    """Start the jobs of stdin unless they are started, and follow them from their first row."""
    jobs = read_jobs(sys.stdin.buffer.read(MOST_JOBS_BYTES + 1))
    folder = order.folder
    stale = ""
    if folder.started is None:
        begun = _begin(order, jobs)
        if begun is None:
            return NOT_STARTED
        stale = begun
    say("started", stale=stale)
    return follow(folder, 0)


def read_jobs(text: bytes) -> bytes:
    """Raises ``BadInput`` for what is no list of jobs of this protocol, or was cut short."""
    if len(text) > MOST_JOBS_BYTES or not text.endswith(b"\n"):
        raise BadInput(f"{len(text)} bytes of jobs that do not end with a whole line")
    for line in text.decode().splitlines():
        read_line(line)
    return text


def _begin(order: Start, jobs: bytes) -> str | None:
    """The owner of a stale lock (empty: there was none); ``None``: not begun, a row says why."""
    parent = order.folder.path.parent
    for name in order.drop:
        with suppress(EdgewrightError):
            JobFolder(parent / name).remove()
    if _lacks(order):
        return None
    lock = DeviceLock(parent / "lock")
    try:
        return _begin_locked(lock, order, jobs) if _take(lock, order) else None
    finally:
        lock.close()


def _lacks(order: Start) -> bool:
    """Whether the store lacks files of the jobs; a row then names them."""
    if order.store is None:
        return False
    absent = missing(order.store, order.needs)
    if absent:
        make_room(order.store, order.needs)
        say("missing", names=list(absent))
    return bool(absent)


def _take(lock: DeviceLock, order: Start) -> bool:
    """Whether to go on: with the lock, or because these very jobs were begun meanwhile, by a start
    whose link was lost while it waited."""

    def begun() -> bool:
        return order.folder.started is not None

    if lock.take():
        return True
    say("waiting", **lock.holder())  # written first: where nobody reads it this is over
    if lock.take(wait_seconds=order.wait_seconds, over=begun) or begun():
        say("waited")
        return True
    say("busy", **lock.holder())
    return False


def _begin_locked(lock: DeviceLock, order: Start, jobs: bytes) -> str | None:
    folder = order.folder
    if folder.started is not None:  # by another start of these jobs, while this one waited
        return ""
    if not lock.stands:
        raise EdgewrightError("what was set up on the board was removed meanwhile", hint=AGAIN)
    if _lacks(order):  # another job may have made room for its own, while this one waited
        return None
    stale = lock.holder().get("owner", "")
    forget_old(folder.path.parent, time.time(), time.monotonic())
    lock.sign(order.owner)
    alive = folder.prepare(jobs)
    try:
        say("starting")  # where nobody reads it nothing is started
        _detach(lock, alive, order)
    finally:
        os.close(alive)
    if folder.started is None:
        raise EdgewrightError(f"the jobs did not start: {folder.last_words() or 'no reason given'}")
    return stale


def _detach(lock: DeviceLock, alive: int, order: Start) -> None:
    """Fork the process that watches; return when it has started the worker, or could not.

    It holds the lock and ``alive`` from the beginning, for they are inherited.
    """
    ready, told = os.pipe()
    if os.fork() == 0:
        try:
            os.setsid()
            os.close(ready)
            _leave_the_link(order.folder.log)
            watch = Watch(order.folder, order.limits)
            watch.start([lock.fd, alive])
            os.close(told)
            watch.run()
            lock.clear()
        except BaseException:
            import traceback

            traceback.print_exc()
            sys.stderr.flush()
        os._exit(0)
    os.close(told)
    os.read(ready, 1)  # its end
    os.close(ready)


def _leave_the_link(log: Path) -> None:
    """Stdin, stdout and stderr of the link are let go: it may end when it likes."""
    null = os.open(os.devnull, os.O_RDWR)
    own = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for number, source in ((0, null), (1, null), (2, own)):
        os.dup2(source, number)
    os.close(null)
    os.close(own)

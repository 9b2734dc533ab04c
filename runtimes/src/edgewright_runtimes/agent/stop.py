"""The verbs ``stop`` and ``remove``."""

from __future__ import annotations

import os
import signal
import threading
import time
from contextlib import suppress

from edgewright_runtimes.agent.job_folder import JobFolder
from edgewright_runtimes.agent.watch import GRACE_SECONDS
from edgewright_runtimes.errors import EdgewrightError

PATIENCE_SECONDS = GRACE_SECONDS + 5.0
LOOK_SECONDS = 0.02


def stop(folder: JobFolder) -> None:
    """End the jobs early; return when they are over. Raises ``EdgewrightError`` if they go on."""
    until = time.monotonic() + PATIENCE_SECONDS
    while folder.running and time.monotonic() < until:
        started = folder.started
        if started is not None:
            _end(folder, int(started["pid"]))
            return
        time.sleep(LOOK_SECONDS)  # it is just being started


def remove(folder: JobFolder) -> None:
    """Stop what still runs, and leave nothing of it."""
    stop(folder)
    folder.remove()


def _end(folder: JobFolder, pid: int) -> None:
    # it holds its lock, so this number is its own and nobody else's
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
    waiting = threading.Thread(target=folder.wait, daemon=True)
    waiting.start()
    waiting.join(PATIENCE_SECONDS)
    if waiting.is_alive():
        raise EdgewrightError(f"the jobs of {folder.path} do not end")

"""The verbs ``stop`` and ``remove``."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from edgewright_runtimes.agent.job_folder import JobFolder
from edgewright_runtimes.agent.process import is_same
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
            _end(folder, started)
            return
        time.sleep(LOOK_SECONDS)  # it is just being started


def remove(folder: JobFolder) -> None:
    """Stop what still runs, and leave nothing of it."""
    stop(folder)
    folder.remove()


def _end(folder: JobFolder, started: Mapping[str, Any]) -> None:
    worker = started.get("worker")
    with suppress(ProcessLookupError):
        if is_same(started):
            os.kill(started["pid"], signal.SIGTERM)
        elif isinstance(worker, Mapping) and is_same(worker):  # and nobody watches over it
            os.killpg(worker["pid"], signal.SIGKILL)
    waiting = threading.Thread(target=folder.wait, daemon=True)
    waiting.start()
    waiting.join(PATIENCE_SECONDS)
    if waiting.is_alive():
        raise EdgewrightError(f"the jobs of {folder.path} do not end")

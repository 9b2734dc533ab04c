"""The progress of several targets as one: one after the other, or devices at the same time."""

from __future__ import annotations

import threading
from dataclasses import replace

from edgewright.latency.sweep import Progress, Tell


class Chorus:
    """``tell`` hears one part of the whole, and whose step it is where there are several."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._lock = threading.Lock()
        self._parts: dict[str, float] = {}
        self._number, self._count = 0, 1

    def begin(self, number: int, count: int) -> None:
        """The place ``number`` of ``count`` begins; those before it are done."""
        with self._lock:
            self._number, self._count = number, count
            self._parts.clear()

    def voice(self, name: str) -> Tell:
        """What the sweep on target ``name`` is to tell its steps."""
        with self._lock:
            self._parts[name] = 0.0
        return lambda step: self._hear(name, step)

    def lost(self, name: str, words: str) -> None:
        """The place ``name`` can't be had; ``words`` say why."""
        self._hear(name, Progress(0.0, 0.0, words, failed=True))

    def _hear(self, name: str, step: Progress) -> None:
        with self._lock:
            if not step.failed:
                self._parts[name] = step.part
            part = sum(self._parts.values()) / max(1, len(self._parts))
            several = self._count > 1 or len(self._parts) > 1
            words = f"{name}: {step.words}" if several else step.words
            self._tell(replace(step, part=(self._number + part) / self._count, words=words))

"""A browser's processes, and their end.

A browser is started with a mark in its environment. Its main process and its crash handlers lead
process groups of their own; renderers and the like, which overwrite their environment, share that
of the main process. So the groups are found by the mark at the start and ended as groups. Only
where ``/proc`` is there; elsewhere Playwright alone ends its browser.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import time
from dataclasses import dataclass, field
from pathlib import Path

VARIABLE = "EDGEWRIGHT_BROWSER"
PROC = Path("/proc")


@dataclass(slots=True)
class Marked:
    """Give ``environment`` to the browser, ``remember`` once it runs, ``end`` it."""

    mark: str = field(default_factory=lambda: secrets.token_hex(8))
    _groups: set[int] = field(default_factory=set)

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, VARIABLE: self.mark}

    def remember(self) -> None:
        self._groups |= self._marked()

    def members(self) -> dict[int, int]:
        """Living processes of the browser: id and group."""
        groups = self._groups | self._marked()
        return {pid: group for pid, group in _living().items() if group in groups}

    def end(self, *, wait_seconds: float = 3.0) -> None:
        """Kill what is left of it, and see it gone."""
        until = time.monotonic() + wait_seconds
        while left := set(self.members().values()):
            for group in left:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(group, signal.SIGKILL)
            if time.monotonic() > until:
                break
            time.sleep(0.02)
        self._groups.clear()  # their numbers may now come to others

    def _marked(self) -> set[int]:
        word = f"{VARIABLE}={self.mark}".encode()
        found = set()
        for pid, group in _living().items():
            with contextlib.suppress(OSError):
                if word in (PROC / str(pid) / "environ").read_bytes().split(b"\0"):
                    found.add(group)
        return found - {os.getpgrp()}


def children(of: int) -> set[int]:
    """The processes that ``of`` started itself, and that live."""
    return {pid for pid, (parent, _) in _stats().items() if parent == of}


def _living() -> dict[int, int]:
    return {pid: group for pid, (_, group) in _stats().items()}


def _stats() -> dict[int, tuple[int, int]]:
    """Parent and group of all that are no zombies: fields 3 to 5 of ``/proc/PID/stat``."""
    found = {}
    for folder in PROC.glob("[0-9]*"):
        with contextlib.suppress(OSError, IndexError, ValueError):
            state, parent, group = (folder / "stat").read_text().rpartition(")")[2].split()[:3]
            if state not in "ZX":
                found[int(folder.name)] = int(parent), int(group)
    return found

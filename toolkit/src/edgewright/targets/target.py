"""The seam of targets: their names, and what each of them can do.

    local | browser:NAME | page | ssh:DEVICE | @FLEET | emulated:pi4 or pi5

joined by commas. To add one: write the module, add its row to ``KINDS``.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from edgewright.settings import Settings
from edgewright_runtimes.errors import UnknownName, UsageError
from edgewright_runtimes.records import Format

Row = Mapping[str, Any]
GRAMMAR = ("local", "browser:NAME", "page", "ssh:DEVICE", "@FLEET", "emulated:pi4", "emulated:pi5")
KINDS: Mapping[str, str] = {"local": "edgewright.targets.local"}


class Worker(Protocol):
    """One fresh process (or page) on the target. Close it, or use ``contextlib.closing``."""

    @property
    def stopped(self) -> bool:
        """Whether an interrupt asked it to end early; it takes no further job then."""

    def rows(self, job: Mapping[str, object]) -> Iterator[Row]:
        """Do one job. Its last row is ``done`` or ``failure``, whatever happens to the process.

        Files named in the job are on this machine; a target elsewhere moves them. An interrupt
        (Ctrl-C) stops the job, whose rows still come; a second one is raised.
        """

    def close(self) -> None: ...


class Target(Protocol):
    @property
    def name(self) -> str: ...
    def runtimes(self, format_: Format) -> tuple[str, ...]:
        """The installed runtimes that take this format, but ``null``."""

    def require(self, runtime: str) -> None:
        """Raises ``UnknownName`` or ``MissingExtra`` where ``runtime`` can't be had here."""

    def start(self, runtime: str, *, folder: Path, limit_seconds: float) -> Worker:
        """A fresh process; ``folder`` takes its log. ``limit_seconds`` without a row: it hangs."""


class TargetModule(Protocol):
    def open_target(self, name: str, settings: Settings) -> Target: ...


@dataclass(frozen=True, slots=True)
class TargetName:
    """``kind`` and, where the kind has one, ``place``: ``ssh`` and ``pi@shed``."""

    kind: str
    place: str = ""

    def __str__(self) -> str:
        if self.kind == "fleet":
            return f"@{self.place}"
        return f"{self.kind}:{self.place}" if self.place else self.kind


def parse_targets(text: str) -> tuple[TargetName, ...]:
    """``local,ssh:pi`` to names; ``UnknownName`` where one does not follow the grammar."""
    names = tuple(_parse(word.strip()) for word in text.split(",") if word.strip())
    if not names:
        raise UsageError("no target was named", hint=f"one of {', '.join(GRAMMAR)}")
    return names


def _parse(word: str) -> TargetName:
    if word in ("local", "page"):
        return TargetName(word)
    if word.startswith("@") and len(word) > 1:
        return TargetName("fleet", word[1:])
    kind, _, place = word.partition(":")
    if (kind in ("browser", "ssh") and place) or (kind == "emulated" and place in ("pi4", "pi5")):
        return TargetName(kind, place)
    raise UnknownName("target", word, GRAMMAR)


def open_target(name: TargetName, settings: Settings) -> Target:
    """Raises ``UsageError`` for a kind of target that this version does not have."""
    if name.kind not in KINDS:
        raise UsageError(f"target {str(name)!r} is not in this version; it has: {', '.join(KINDS)}")
    module: TargetModule = importlib.import_module(KINDS[name.kind])
    return module.open_target(str(name), settings)

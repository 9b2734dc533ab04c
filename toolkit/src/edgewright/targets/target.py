"""The seam of targets: their names, and what each of them can do.

    local | browser:NAME | page | ssh:DEVICE | @FLEET | emulated:pi4 or pi5

joined by commas. To add one: write the module, add its row to ``KINDS``; one that is several
devices, which come when they come, has its row in ``CROWDS``.
"""

from __future__ import annotations

import hashlib
import importlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar, runtime_checkable

from edgewright.settings import Settings
from edgewright_runtimes.errors import EdgewrightError, UnknownName, UsageError
from edgewright_runtimes.records import Format

T = TypeVar("T")
Row = Mapping[str, Any]
GRAMMAR = ("local", "browser:NAME", "page", "ssh:DEVICE", "@FLEET", "emulated:pi4", "emulated:pi5")
KINDS: Mapping[str, str] = {
    "local": "edgewright.targets.local",
    "browser": "edgewright.targets.browser.target",
    "ssh": "edgewright.targets.ssh.target",
    "emulated": "edgewright.targets.emulated.target",
}
CROWDS: Mapping[str, str] = {"page": "edgewright.targets.page.crowd"}


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
    """Close it, or use ``contextlib.closing``."""

    @property
    def name(self) -> str: ...
    @property
    def fresh_answers(self) -> bool:
        """Whether the artifacts ran nowhere like it before (``convert`` ran them on this machine):
        then their answers to the goldens are compared before any time is spent on them."""

    @property
    def measures_memory(self) -> bool:
        """Whether the job ``memory`` finds out anything."""

    def runtimes(self, format_: Format) -> tuple[str, ...]:
        """The runtimes here that take this format, but ``null``; one that is preferred first."""

    def formats(self, runtime: str) -> tuple[Format, ...]:
        """What ``runtime`` takes, were it here or not; nothing where there is none of this name."""

    def absent(self, format_: Format) -> Mapping[str, str]:
        """Runtimes for this format that this target can't have, each with the reason."""

    def why_not(self, format_: Format) -> str:
        """Why there is no runtime for this format, and what to type where that would help."""

    def require(self, runtime: str) -> None:
        """Raises ``UnknownName`` or ``MissingExtra`` where ``runtime`` can't be had here."""

    def start(self, runtime: str, *, folder: Path, limit_seconds: float) -> Worker:
        """A fresh process; ``folder`` takes its log. ``limit_seconds`` without a row: it hangs."""

    def close(self) -> None:
        """End what was started; a target that is used again starts it again."""


class TargetModule(Protocol):
    def open_target(self, name: str, settings: Settings) -> Target: ...


@runtime_checkable
class Crowd(Protocol):
    """A target that is several, not known before they come: each device is a ``Target``."""

    @property
    def name(self) -> str: ...
    def formats(self, runtime: str) -> tuple[Format, ...]: ...
    def require(self, runtime: str) -> None: ...
    def each(
        self, do: Callable[[Target], T], *, what: str, shown: Callable[[Target], Sequence[str]]
    ) -> tuple[T, ...]:
        """What ``do`` gave for each, several at once, each in a thread of its own.

        Whoever holds a device reads ``what`` is to be done and the lines of ``shown`` before.
        """

    def close(self) -> None: ...


class CrowdModule(Protocol):
    def open_crowd(self, name: str, settings: Settings) -> Crowd: ...


Place = Target | Crowd


def on_each(
    place: Place, do: Callable[[Target], T], *, what: str, shown: Callable[[Target], Sequence[str]]
) -> tuple[T, ...]:
    """``do`` on the target, or on every one of a crowd."""
    if isinstance(place, Crowd):
        return place.each(do, what=what, shown=shown)
    return (do(place),)


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
    if name.kind in CROWDS:
        raise UsageError(f"target {str(name)!r} is for bench and check", hint="name another one")
    if name.kind not in KINDS:
        raise UsageError(f"target {str(name)!r} is not in this version; it has: {', '.join(KINDS)}")
    module: TargetModule = importlib.import_module(KINDS[name.kind])
    return module.open_target(str(name), settings)


def open_places(text: str, settings: Settings) -> tuple[Place, ...]:
    """All that ``text`` names; ``UsageError`` where one is named twice."""
    names = parse_targets(text)
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"target {str(name)!r} is named twice")
    return tuple(_open_place(name, settings) for name in names)


def _open_place(name: TargetName, settings: Settings) -> Place:
    if name.kind not in CROWDS:
        return open_target(name, settings)
    module: CrowdModule = importlib.import_module(CROWDS[name.kind])
    return module.open_crowd(str(name), settings)


def require_runtimes(names: Sequence[str], targets: Sequence[Place]) -> None:
    """Each of ``names`` must be one that a target knows, and every target that knows it has it.

    Raises ``UnknownName`` or ``MissingExtra``. One of several that can't be asked is left to
    whoever asks it next: the others are not held by it.
    """
    for name in names:
        for target in [t for t in targets if t.formats(name)] or targets[:1]:
            try:
                target.require(name)
            except UsageError:
                raise
            except EdgewrightError:
                if len(targets) == 1:
                    raise


def choose_runtimes(
    format_: Format, asked: Sequence[str], target: Target
) -> tuple[Sequence[str], Mapping[str, str], str]:
    """Those of ``asked`` (all, if none) that run ``format_``; those that only the target lacks,
    with the reason; and, where there is none, why."""
    absent = target.absent(format_)
    takers = [name for name in asked if format_ in target.formats(name)]
    found = [n for n in takers if n not in absent] if asked else target.runtimes(format_)
    missing = {n: why for n, why in absent.items() if not asked or n in takers}
    if found:
        return found, missing, ""
    if missing:
        return found, missing, f"not on this target: it has no {' or '.join(missing)}"
    if asked and target.runtimes(format_):
        return found, missing, f"{', '.join(asked)} does not take {format_}"
    return found, missing, target.why_not(format_)


def place_words(target: str) -> str:
    """A target's name as a part of a file's: ``browser-chromium``; nothing for this machine.

    No two targets share one: where small letters and digits are not all, a hash tells them apart.
    """
    if target == "local":
        return ""
    words = re.sub(r"[^A-Za-z0-9]+", "-", target).strip("-")
    if re.fullmatch(r"[a-z]+:[a-z0-9]+", target):
        return words
    return f"{words}-{hashlib.sha256(target.encode()).hexdigest()[:8]}"

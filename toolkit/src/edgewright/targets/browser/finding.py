"""Which program a browser's name stands for: the named path, Playwright's own, the system's."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from edgewright_runtimes.errors import BadInput, UnknownName, UsageError

Engine = Literal["chromium", "firefox"]
Origin = Literal["--browser-path", "Playwright's own", "the system's"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Browser:
    """One row: what drives it, the names of its program, whether Playwright brings one."""

    engine: Engine
    programs: tuple[str, ...]
    package: str  # Debian's name of it
    own: bool = False


CHROME = ("google-chrome", "google-chrome-stable")
EDGE = ("microsoft-edge", "microsoft-edge-stable")
BROWSERS: Mapping[str, Browser] = {
    "chromium": Browser(
        engine="chromium",
        programs=("chromium", "chromium-browser", *CHROME, *EDGE),
        package="chromium",
        own=True,
    ),
    "firefox": Browser(
        engine="firefox", programs=("firefox", "firefox-esr"), package="firefox-esr", own=True
    ),
    "chrome": Browser(engine="chromium", programs=CHROME, package="google-chrome-stable"),
    "edge": Browser(engine="chromium", programs=EDGE, package="microsoft-edge-stable"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """``origin`` says by which of the three ways ``path`` was found."""

    name: str
    engine: Engine
    path: Path
    origin: Origin


def browser_row(name: str) -> Browser:
    """Raises ``UnknownName``."""
    try:
        return BROWSERS[name]
    except KeyError:
        raise UnknownName("browser", name, BROWSERS) from None


def find_browser(name: str, *, named: Path | None, own: Path | None) -> Found:
    """``named`` is what ``--browser-path`` says, ``own`` where Playwright would keep its own.

    Raises ``BadInput`` for a path where no program is, ``UsageError`` where there is none.
    """
    row = browser_row(name)
    if named is not None:
        path = named.expanduser().absolute()
        if not path.is_file() or not os.access(path, os.X_OK):
            raise BadInput(f"--browser-path {str(named)!r}: no program is there")
        return Found(name=name, engine=row.engine, path=path, origin="--browser-path")
    if row.own and own is not None and os.access(own, os.X_OK):
        return Found(name=name, engine=row.engine, path=own, origin="Playwright's own")
    for program in row.programs:
        where = shutil.which(program)
        if where is not None:
            path = Path(where)
            return Found(name=name, engine=row.engine, path=path, origin="the system's")
    raise UsageError(f"no {name} is on this machine", hint=how_to_get(name))


def how_to_get(name: str) -> str:
    """What to type where there is none; one line."""
    row = browser_row(name)
    own = f"playwright install {name}, or " if row.own else ""
    return (
        f"{own}apt install {row.package}, or name one with --browser-path PATH; "
        "edgewright doctor says what is there"
    )

"""Settings of a machine and of a folder: ``settings.toml`` of the user, then ``edgewright.toml``.

[runtimes.tflite-runtime]
python = "/opt/tflite/bin/python"   # the runtime lives in that environment
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from edgewright.targets.browser.options import AS_IT_IS, BrowserOptions
from edgewright.targets.page.options import HERE, PageOptions
from edgewright_runtimes.errors import BadInput
from edgewright_runtimes.runtime import runtime_row

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FOLDER_FILE = "edgewright.toml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """``pythons``: the interpreter of each runtime that lives in an environment of its own.

    ``browser``: how one is driven; ``page``: where it is served. No file says these, the caller
    does.
    """

    pythons: Mapping[str, Path] = field(default_factory=dict)
    browser: BrowserOptions = AS_IT_IS
    page: PageOptions = HERE


def user_file() -> Path:
    base = os.environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    return Path(base) / "edgewright" / "settings.toml"


def load_settings(folder: Path | None = None) -> Settings:
    """The user's settings, overridden by those of ``folder`` (where one stands).

    Raises ``BadInput`` for a file that can't be read or an interpreter that is not there,
    ``UnknownName`` for a runtime that is not one we know.
    """
    pythons: dict[str, Path] = {}
    for file in (user_file(), (folder or Path.cwd()) / FOLDER_FILE):
        if file.is_file():
            pythons.update(_pythons(file))
    return Settings(pythons=pythons)


def _pythons(file: Path) -> dict[str, Path]:
    try:
        data = tomllib.loads(file.read_text("utf-8"))
    except (OSError, ValueError) as e:
        raise BadInput(f"{file}: {e}", hint="it must be TOML") from e
    runtimes = data.get("runtimes", {})
    if not isinstance(runtimes, dict):
        raise BadInput(f"{file}: runtimes is {runtimes!r}", hint="write [runtimes.NAME]")
    found = {}
    for name, table in runtimes.items():
        runtime_row(name)
        if not isinstance(table, dict) or not isinstance(table.get("python"), str):
            raise BadInput(f"{file}: [runtimes.{name}] needs python = PATH")
        found[name] = _interpreter(file, name, Path(table["python"]).expanduser())
    return found


def _interpreter(file: Path, name: str, python: Path) -> Path:
    # not resolved: a virtual environment's interpreter is a link, and knows itself by its path
    path = python if python.is_absolute() else Path(os.path.abspath(file.parent / python))
    if not os.access(path, os.X_OK):
        raise BadInput(
            f"{file}: [runtimes.{name}] python = {str(python)!r}, no interpreter is there"
        )
    return path


def add_python(name: str, python: Path) -> None:
    """Name a runtime's interpreter in the user's file; one that names another is not changed."""
    file = user_file()
    current = _pythons(file).get(name) if file.is_file() else None
    if current == python:
        return
    if current is not None:
        raise BadInput(
            f"{file} names {current} for {name}", hint=f"change it there to {python}, or remove it"
        )
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a", encoding="utf-8") as stream:
        stream.write(f'\n[runtimes.{name}]\npython = "{python}"\n')

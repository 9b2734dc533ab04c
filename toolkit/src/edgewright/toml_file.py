"""A TOML file with the line of each of its fields, so that every error can name the place."""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgewright_runtimes.errors import BadInput, UsageError

if TYPE_CHECKING:
    from edgewright_converters.compression.fields import Way

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_NAME = r"""["']?[\w-]+["']?"""
_NAMES = rf"({_NAME}(?:\s*\.\s*{_NAME})*)"
_HEADER = re.compile(rf"^\s*(\[\[?)\s*{_NAMES}\s*\]")
_KEY = re.compile(rf"^\s*{_NAMES}\s*=")


@dataclass(frozen=True, slots=True, kw_only=True)
class TomlFile:
    """``lines``: the line on which a field, or the table that holds it, begins."""

    path: Path
    data: Mapping[str, Any]
    lines: Mapping[Way, int]

    def error(self, error: UsageError, way: Way) -> BadInput:
        """``error`` with ``FILE:LINE`` before it: of the field, or of the nearest table of it."""
        while way and way not in self.lines:
            way = way[:-1]
        line = self.lines.get(way, 1)
        return BadInput(f"{self.path}:{line}: {error.args[0]}", hint=error.hint)


def read_toml(path: Path, *, what: str, unreadable: str, example: str) -> TomlFile:
    """``what`` it is, to be said where it can't be read, with the hint ``unreadable``.

    ``example`` is a line as it should be, for text that is no TOML. Raises ``BadInput``.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as e:
        raise BadInput(f"cannot read the {what} {path}: {e}", hint=unreadable) from e
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as e:
        raise _not_toml(path, text, e, example) from e
    return TomlFile(path=path, data=data, lines=_lines(text))


def _not_toml(path: Path, text: str, error: tomllib.TOMLDecodeError, example: str) -> BadInput:
    """The parser ends its words with ``(at line 3, column 5)`` or ``(at end of document)``."""
    reason, _, place = str(error).partition(" (at ")
    found = re.match(r"line (\d+)", place)
    line = int(found.group(1)) if found else max(1, len(text.splitlines()))
    return BadInput(f"{path}:{line}: not TOML: {reason}", hint=f"a line is like: {example}")


def _lines(text: str) -> dict[Way, int]:
    """Enough for tables, tables within them and lists of them; the first line of a name counts."""
    found: dict[Way, int] = {(): 1}
    listed: Counter[Way] = Counter()
    table: Way = ()
    for number, line in enumerate(text.splitlines(), 1):
        if header := _HEADER.match(line):
            table = _table(header[2], listed, begins=header[1] == "[[")
            found.setdefault(table, number)
            if header[1] == "[[":
                found.setdefault(table[:-1], number)
        elif key := _KEY.match(line):
            found.setdefault((*table, *_parts(key[1])), number)
    return found


def _table(name: str, listed: Counter[Way], *, begins: bool) -> Way:
    """The way to a header's table: ``[steps.finetune]`` is of the last of the ``[[steps]]``."""
    way: Way = ()
    parts = _parts(name)
    for place, part in enumerate(parts, 1):
        way = (*way, part)
        if begins and place == len(parts):
            listed[way] += 1
        if way in listed:
            way = (*way, listed[way] - 1)
    return way


def _parts(name: str) -> list[str]:
    return [part.strip().strip("\"'") for part in name.split(".")]

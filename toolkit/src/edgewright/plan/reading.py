"""From TOML text to a ``Plan``: every field validated, every message with its line."""

from __future__ import annotations

import dataclasses
import difflib
import re
import sys
import types
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from edgewright.plan.plan import Plan
from edgewright.plan.values import CHECKS
from edgewright_runtimes.errors import BadInput, UsageError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_HEADER = re.compile(r"^\s*\[\[?\s*([\w.-]+)\s*\]")
_KEY = re.compile(r"""^\s*["']?([\w-]+)["']?\s*[=.]""")
_WORDS: Mapping[Any, str] = {
    str: "text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
}


def read_plan(path: Path) -> Plan:
    """Raises ``BadInput`` with ``FILE:LINE`` where a field is unknown, missing or of a wrong type.

    Relative paths in it are relative to the file.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as e:
        raise BadInput(
            f"cannot read the plan {path}: {e}", hint=f"edgewright run --init {path}"
        ) from e
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as e:
        raise _not_toml(path, text, e) from e
    plan: Plan = _Reader(path, _lines(text)).record(Plan, data, section="")
    return plan


def _not_toml(path: Path, text: str, error: tomllib.TOMLDecodeError) -> BadInput:
    """The parser ends its words with ``(at line 3, column 5)`` or ``(at end of document)``."""
    reason, _, place = str(error).partition(" (at ")
    found = re.match(r"line (\d+)", place)
    line = int(found.group(1)) if found else max(1, len(text.splitlines()))
    return BadInput(
        f"{path}:{line}: not TOML: {reason}", hint='text wants quotes: path = "model.keras"'
    )


def _lines(text: str) -> dict[tuple[str, str], int]:
    """(section, key) -> line, and (section, "") -> its header; enough for a plan's flat tables."""
    found: dict[tuple[str, str], int] = {("", ""): 1}
    section = ""
    for number, line in enumerate(text.splitlines(), 1):
        if header := _HEADER.match(line):
            section = header.group(1)
            found[(section, "")] = number
        elif key := _KEY.match(line):
            found.setdefault((section, key.group(1)), number)
    return found


class _Reader:
    def __init__(self, path: Path, lines: Mapping[tuple[str, str], int]) -> None:
        self._path = path
        self._lines = lines

    def record(self, kind: type[Any], data: Mapping[str, Any], *, section: str) -> Any:
        hints = typing.get_type_hints(kind)
        for key in data:
            if key not in hints:
                near = difflib.get_close_matches(key, hints, n=1)
                meant = f"; did you mean {near[0]!r}?" if near else ""
                known = ", ".join(sorted(hints))
                raise self._error(section, key, f"no field {key!r}; known: {known}{meant}")
        for field in dataclasses.fields(kind):
            required = (
                field.default is dataclasses.MISSING
                and field.default_factory is dataclasses.MISSING
            )
            if required and field.name not in data:
                raise self._error(section, "", f"{self._full(section, field.name)} is missing")
        values = {k: self._value(hints[k], v, section, k) for k, v in data.items()}
        for key, value in values.items():
            self._check(section, key, value)
        return kind(**values)

    def _check(self, section: str, key: str, value: Any) -> None:
        full = self._full(section, key)
        check = CHECKS.get(full)
        if check is None:
            return
        try:
            check(value)
        except UsageError as e:
            raise self._error(section, key, f"{full}: {e}") from e

    def _value(self, hint: Any, value: Any, section: str, key: str) -> Any:
        choices = [h for h in _alternatives(hint) if h is not types.NoneType]
        for choice in choices:
            if dataclasses.is_dataclass(choice) and isinstance(value, dict):
                return self.record(choice, value, section=key)  # type: ignore[arg-type]
            if typing.get_origin(choice) is tuple:
                if isinstance(value, list) and all(isinstance(v, str) for v in value):
                    return tuple(value)
            elif choice is float and type(value) in (int, float):
                return float(value)
            elif type(value) is choice:
                return value
        allowed = " or ".join(_said(c) for c in choices)
        full = self._full(section, key)
        raise self._error(section, key, f"{full} is {value!r}; {allowed} was expected")

    def _full(self, section: str, key: str) -> str:
        return f"{section}.{key}" if section else key

    def _error(self, section: str, key: str, message: str) -> BadInput:
        line = (
            self._lines.get((section, key))
            or self._lines.get((key, ""))
            or self._lines.get((section, ""), 1)
        )
        return BadInput(f"{self._path}:{line}: {message}")


def _alternatives(hint: Any) -> tuple[Any, ...]:
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        return typing.get_args(hint)
    return (hint,)


def _said(choice: Any) -> str:
    if dataclasses.is_dataclass(choice):
        return "a table"
    return _WORDS.get(choice, "a list of texts")

"""A recipe from the command line: a TOML file, or a name in the grammar of artifacts."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgewright_converters.compression.recipe import parse_name, read_steps
from edgewright_runtimes.errors import BadInput, UsageError
from edgewright_runtimes.records import Step

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_STEP = re.compile(r"^\s*\[\[\s*steps\s*\]\]")
HINT = "a .toml file with [[steps]], or a name: prune50_int8, equalize_int8, channels50_qat_int8"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """``steps`` as they were read; ``name`` is that of the file or the words themselves."""

    name: str
    steps: tuple[Step, ...]


def read_recipe(word: str) -> Recipe:
    """``word`` is a path to a TOML file, or a name like ``prune50_equalize_int8``.

    Raises ``BadInput`` with the file and the step's line, or ``UnknownName``.
    """
    path = Path(word)
    if path.suffix == ".toml":
        if not path.exists():
            raise BadInput(f"no such recipe: {word}", hint=HINT)
        return Recipe(name=path.stem, steps=_from_file(path))
    if path.exists():
        raise BadInput(f"{word} is no recipe", hint=HINT)
    return Recipe(name=word, steps=parse_name(word))


def _from_file(path: Path) -> tuple[Step, ...]:
    try:
        text = path.read_text(encoding="utf-8")
        data = tomllib.loads(text)
    except (OSError, UnicodeDecodeError) as e:
        raise BadInput(f"cannot read the recipe {path}: {e}", hint=HINT) from e
    except tomllib.TOMLDecodeError as e:
        raise BadInput(f"{path}: not TOML: {e}") from e
    unknown = sorted(set(data) - {"steps"})
    if unknown:
        raise BadInput(f"{path}: no field {unknown[0]!r}", hint="a recipe is a list of [[steps]]")
    tables = data.get("steps", [])
    if not isinstance(tables, list) or not all(isinstance(t, Mapping) for t in tables):
        raise BadInput(f"{path}: steps is no list of tables", hint="begin each with [[steps]]")
    if not tables:
        raise BadInput(f"{path}: the recipe has no step", hint="begin each with [[steps]]")
    for number in range(1, len(tables) + 1):
        _check(path, text, tables[:number], number)
    return read_steps(tables)


def _check(path: Path, text: str, tables: list[Mapping[str, Any]], number: int) -> None:
    """The first step that can't be read is named with the line on which it begins."""
    try:
        read_steps(tables)
    except UsageError as e:
        lines = [i for i, line in enumerate(text.splitlines(), 1) if _STEP.match(line)]
        line = lines[number - 1] if len(lines) >= number else 1
        raise BadInput(f"{path}:{line}: {e.args[0]}", hint=e.hint) from e

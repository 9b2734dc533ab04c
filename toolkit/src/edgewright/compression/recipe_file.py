"""A recipe from the command line: a TOML file, or a name in the grammar of artifacts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from edgewright.toml_file import TomlFile, read_toml
from edgewright_converters.compression.fields import FieldError
from edgewright_converters.compression.recipe import parse_name, read_steps
from edgewright_runtimes.errors import BadInput, UsageError
from edgewright_runtimes.records import Step

EXAMPLES = "prune50_int8, equalize_int8, channels50_qat_int8"
HINT = f"a .toml file with [[steps]], or a name: {EXAMPLES}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """``steps`` as they were read, from ``file`` or from a name."""

    steps: tuple[Step, ...]
    file: TomlFile | None = None

    def error(self, error: UsageError, number: int, field: str = "") -> UsageError:
        """What was found of step ``number`` later, with its place or its word before it."""
        if self.file is not None:
            return self.file.error(error, ("steps", number, *field.split(".")))
        words = f"{self.steps[number].label}: {error.args[0]}"
        return BadInput(words, hint=error.hint)


def read_recipe(word: str) -> Recipe:
    """``word`` is a path to a TOML file, or a name like ``prune50_equalize_int8``.

    Raises ``BadInput`` with the file and the line, or the word of the name.
    """
    path = Path(word)
    if path.suffix == ".toml":
        if not path.exists():
            raise BadInput(f"no such recipe: {word}", hint=HINT)
        return _from_file(path)
    if path.exists():
        raise BadInput(f"{word} is no recipe", hint=HINT)
    return Recipe(steps=parse_name(word))


def _from_file(path: Path) -> Recipe:
    file = read_toml(path, what="recipe", unreadable=HINT, example='kind = "prune"')
    unknown = sorted(set(file.data) - {"steps"})
    if unknown:
        error = BadInput(f"no field {unknown[0]!r}", hint="a recipe is a list of [[steps]]")
        raise file.error(error, (unknown[0],))
    tables = file.data.get("steps", [])
    if not isinstance(tables, list) or not all(isinstance(t, Mapping) for t in tables):
        error = BadInput("steps is no list of tables", hint="begin each with [[steps]]")
        raise file.error(error, ("steps",))
    if not tables:
        raise BadInput(f"{path}: the recipe has no step", hint="begin each with [[steps]]")
    try:
        return Recipe(steps=read_steps(tables), file=file)
    except FieldError as e:
        raise file.error(e, e.way) from e

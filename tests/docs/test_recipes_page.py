"""The page of recipes has every step with every field and its default."""

from __future__ import annotations

import dataclasses
import json
import re
import typing
from pathlib import Path
from typing import Any

import pytest

from edgewright_converters.compression.catalogue import STEPS, step_module
from edgewright_converters.compression.quantize import Quantize
from edgewright_converters.compression.recipe import parse_name
from edgewright_converters.compression.training import FinetunePlan

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "recipes.md").read_text()


def params(kind: str) -> Any:
    return Quantize if kind == "quantize" else step_module(kind).PARAMS


def tables() -> dict[str, Any]:
    """Every dataclass of a recipe by the heading of its table; nested: ``prune.schedule``."""
    found: dict[str, Any] = {}
    for kind in (*STEPS, "quantize"):
        found[kind] = params(kind)
        for field in dataclasses.fields(params(kind)):
            if field.default_factory is not dataclasses.MISSING:
                nested = field.default_factory()
                if dataclasses.is_dataclass(nested) and type(nested) is not FinetunePlan:
                    assert nested == type(nested)(), "what is left out has the step's own default"
                    found[f"{kind}.{field.name}"] = type(nested)
    return found


def told(kind: Any) -> list[dataclasses.Field[Any]]:
    """The fields that a table has: of a step's own ``finetune`` those with another default."""
    fields = list(dataclasses.fields(kind))
    if not issubclass(kind, FinetunePlan) or hasattr(kind, "label"):
        return fields
    usual = {f.name: f.default for f in dataclasses.fields(FinetunePlan)}
    return [f for f in fields if f.name not in usual or f.default != usual[f.name]]


def section(heading: str) -> str:
    parts = re.split(rf"^###? `{re.escape(heading)}`$", PAGE, flags=re.M)
    assert len(parts) == 2, f"no heading `{heading}`"
    return re.split(r"^##", parts[1], flags=re.M)[0]


def rows(heading: str) -> dict[str, str]:
    """Field -> default, as the table under a heading has them."""
    return dict(re.findall(r"^\| `(\w+)` \| (.*?) \|", section(heading), re.M))


def in_toml(field: dataclasses.Field[Any]) -> str:
    if field.default_factory is not dataclasses.MISSING:
        return "a table"
    if field.default is dataclasses.MISSING:
        return "required"
    if field.default is None:
        return "none"
    value = list(field.default) if isinstance(field.default, tuple) else field.default
    return f"`{json.dumps(value)}`"


@pytest.mark.parametrize("heading", tables())
def test_the_table_is_the_dataclass(heading: str) -> None:
    expected = {field.name: in_toml(field) for field in told(tables()[heading])}
    assert rows(heading) == expected


@pytest.mark.parametrize("heading", tables())
def test_every_choice_is_named_in_its_row(heading: str) -> None:
    hints = typing.get_type_hints(tables()[heading])
    lines = {f: line for f, line in re.findall(r"^\| `(\w+)` (\|.*)$", section(heading), re.M)}
    missing = [
        (name, choice)
        for name, line in lines.items()
        if typing.get_origin(hints[name]) is typing.Literal
        for choice in typing.get_args(hints[name])
        if f'`"{choice}"`' not in line
    ]
    assert not missing


def test_the_words_of_the_page_are_words_of_names() -> None:
    table = PAGE.partition("| word | step |")[2].partition("\n\n")[0]
    words = re.findall(r"`([a-z0-9]+)`(?=[ ;,:|])", re.sub(r"\[.*?\]\(.*?\)", "", table))
    assert len(words) > 8
    for word in words:
        assert parse_name(word)[0].label or word in ("int8", "float16"), word


def test_every_file_on_the_page_is_a_recipe() -> None:
    import tomllib

    from edgewright_converters.compression.recipe import read_steps

    found = [tomllib.loads(body) for body in re.findall(r"^```toml\n(.*?)^```", PAGE, re.M | re.S)]
    assert found
    for data in found:
        assert read_steps(data["steps"])


def test_the_end_of_the_schedule_is_as_the_page_says() -> None:
    from edgewright_converters.compression.prune.schedule import Schedule

    said = re.search(r"\| `end_step` \| `-1` \| -1 is after (\d+) % of the training", PAGE)
    assert said and Schedule().end(1000) == 10 * int(said[1])

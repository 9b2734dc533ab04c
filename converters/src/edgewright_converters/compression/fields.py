"""From a recipe's table to a step's dataclass, every field by its annotation."""

from __future__ import annotations

import dataclasses
import difflib
import types
import typing
from collections.abc import Mapping
from typing import Any, TypeVar

from edgewright_runtimes.errors import BadInput

T = TypeVar("T")
_WORDS: Mapping[Any, str] = {
    str: "text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    types.NoneType: "nothing",
}


def read_fields(kind: type[T], table: Mapping[str, Any], *, where: str) -> T:
    """``where`` begins every message: ``prune``, ``prune.finetune``. Raises ``BadInput``."""
    hints = typing.get_type_hints(kind)
    for name in table:
        if name not in hints:
            near = difflib.get_close_matches(name, hints, n=1)
            meant = f"; did you mean {near[0]!r}?" if near else ""
            raise BadInput(f"{where}: no field {name!r}; known: {', '.join(sorted(hints))}{meant}")
    values = {n: _value(hints[n], v, f"{where}.{n}") for n, v in table.items()}
    missing = [f.name for f in dataclasses.fields(kind) if _required(f) and f.name not in values]  # type: ignore[arg-type]
    if missing:
        raise BadInput(f"{where}: {missing[0]} is missing")
    try:
        return kind(**values)
    except BadInput as e:
        raise BadInput(f"{where}: {e.args[0]}", hint=e.hint) from e


def as_table(params: Any) -> dict[str, Any]:
    """Plain data of a step's dataclass: what differs from its defaults, tables within tables."""
    table: dict[str, Any] = {}
    for field in dataclasses.fields(params):
        value = getattr(params, field.name)
        if not _required(field) and value == _default(field):
            continue
        plain = as_table(value) if dataclasses.is_dataclass(value) else value
        table[field.name] = list(plain) if isinstance(plain, tuple) else plain
    return table


def _required(field: dataclasses.Field[Any]) -> bool:
    missing = dataclasses.MISSING
    return field.default is missing and field.default_factory is missing


def _default(field: dataclasses.Field[Any]) -> Any:
    if field.default is not dataclasses.MISSING:
        return field.default
    assert field.default_factory is not dataclasses.MISSING
    return field.default_factory()


def _value(hint: Any, value: Any, where: str) -> Any:
    choices = _alternatives(hint)
    for choice in choices:
        if dataclasses.is_dataclass(choice) and isinstance(value, Mapping):
            return read_fields(typing.cast("type[Any]", choice), value, where=where)
        if typing.get_origin(choice) is typing.Literal:
            if value in typing.get_args(choice):
                return value
        elif typing.get_origin(choice) is tuple:
            inner = typing.get_args(choice)[0]
            if isinstance(value, list | tuple) and all(_is(inner, v) for v in value):
                return tuple(inner(v) for v in value)
        elif choice is types.NoneType:
            if value is None:
                return None
        elif _is(choice, value):
            return choice(value)
    allowed = " or ".join(_said(choice) for choice in choices)
    raise BadInput(f"{where} is {value!r}; {allowed} was expected")


def _is(kind: Any, value: Any) -> bool:
    if kind is float:
        return type(value) in (int, float)
    return type(value) is kind


def _alternatives(hint: Any) -> tuple[Any, ...]:
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        return typing.get_args(hint)
    return (hint,)


def _said(choice: Any) -> str:
    if dataclasses.is_dataclass(choice):
        return "a table"
    if typing.get_origin(choice) is typing.Literal:
        return ", ".join(repr(word) for word in typing.get_args(choice))
    if typing.get_origin(choice) is tuple:
        return f"a list of {_WORDS.get(typing.get_args(choice)[0], 'values')}s"
    return _WORDS.get(choice, str(choice))

"""From a TOML table to a frozen dataclass, every field by its annotation; and back.

Recipes and plans are read by it. What is wrong is said with the way to the field, so that whoever
has the text can add its line.
"""

from __future__ import annotations

import dataclasses
import difflib
import types
import typing
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from edgewright_runtimes.errors import BadInput, UsageError

T = TypeVar("T")
Way = tuple[str | int, ...]  # ("steps", 0, "finetune", "epochs"): keys, and places in lists
Checks = Mapping[str, Callable[[Any], None]]
_WORDS: Mapping[Any, str] = {
    str: "text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
}


class FieldError(BadInput):
    """``way`` leads to the field, from the table that was read; empty where it is the table."""

    def __init__(self, message: str, *, hint: str = "", way: Way = ()) -> None:
        super().__init__(message, hint=hint)
        self.way = way

    def below(self, *way: str | int) -> FieldError:
        """The same error of a table that holds the one that was read."""
        return FieldError(str(self.args[0]), hint=self.hint, way=(*way, *self.way))


def read_fields(
    kind: type[T], table: Mapping[str, Any], *, where: str = "", checks: Checks | None = None
) -> T:
    """``where`` begins every message: ``prune`` makes it ``prune.finetune.epochs``.

    ``checks``, by ``section.field``, raise a ``UsageError`` for values that a type can't refuse.
    Raises ``FieldError``.
    """
    return _Reader(where, checks or {}).record(kind, table, ())


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


class _Reader:
    def __init__(self, where: str, checks: Checks) -> None:
        self._where = where
        self._checks = checks

    def record(self, kind: type[T], table: Mapping[str, Any], way: Way) -> T:
        hints = typing.get_type_hints(kind)
        for name in table:
            if name not in hints:
                raise self._unknown(name, sorted(hints), way)
        values = {n: self._value(hints[n], v, (*way, n)) for n, v in table.items()}
        for field in dataclasses.fields(kind):  # type: ignore[arg-type]
            if _required(field) and field.name not in values:
                raise FieldError(f"{self._name((*way, field.name))} is missing", way=way)
        for name, value in values.items():
            self._check(value, (*way, name))
        try:
            return kind(**values)
        except UsageError as e:
            words = str(e.args[0])
            at_fault = (*way, *_field_at_fault(words, table))
            raise FieldError(self._said(way, words), hint=e.hint, way=at_fault) from e

    def _unknown(self, name: str, known: list[str], way: Way) -> FieldError:
        near = difflib.get_close_matches(name, known, n=1)
        meant = f"; did you mean {near[0]!r}?" if near else ""
        words = f"no field {name!r}; known: {', '.join(known)}{meant}"
        return FieldError(self._said(way, words), way=(*way, name))

    def _check(self, value: Any, way: Way) -> None:
        check = self._checks.get(self._name(way))
        if check is None:
            return
        try:
            check(value)
        except UsageError as e:
            raise FieldError(self._said(way, str(e.args[0])), hint=e.hint, way=way) from e

    def _value(self, hint: Any, value: Any, way: Way) -> Any:
        choices = _alternatives(hint)
        for choice in choices:
            if dataclasses.is_dataclass(choice) and isinstance(value, Mapping):
                return self.record(typing.cast("type[Any]", choice), value, way)
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
        allowed = " or ".join(_said(choice) for choice in choices if choice is not types.NoneType)
        raise FieldError(f"{self._name(way)} is {value!r}; {allowed} was expected", way=way)

    def _name(self, way: Way) -> str:
        return ".".join(str(part) for part in ((self._where, *way) if self._where else way))

    def _said(self, way: Way, words: str) -> str:
        name = self._name(way)
        return f"{name}: {words}" if name else words


def _field_at_fault(words: str, table: Mapping[str, Any]) -> Way:
    """A check's message begins with the field's name: ``power``, or ``schedule.power``."""
    way: list[str] = []
    inner: object = table
    for name in words.split(maxsplit=1)[0].split("."):
        if not isinstance(inner, Mapping) or name not in inner:
            break
        way.append(name)
        inner = inner[name]
    return tuple(way)


def _required(field: dataclasses.Field[Any]) -> bool:
    missing = dataclasses.MISSING
    return field.default is missing and field.default_factory is missing


def _default(field: dataclasses.Field[Any]) -> Any:
    if field.default is not dataclasses.MISSING:
        return field.default
    assert field.default_factory is not dataclasses.MISSING
    return field.default_factory()


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
        return "one of " + ", ".join(repr(word) for word in typing.get_args(choice))
    if typing.get_origin(choice) is tuple:
        return f"a list of {_WORDS.get(typing.get_args(choice)[0], 'values')}s"
    return _WORDS.get(choice, str(choice))

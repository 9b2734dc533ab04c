"""Records to JSON and back, without a dependency.

A record of a newer schema is refused with a message; an older one, or one with fields this
version does not know, is read.
"""

from __future__ import annotations

import json
import types
import typing
from collections.abc import Hashable, Mapping
from dataclasses import asdict, fields, is_dataclass
from functools import cache
from typing import Any, TypeVar

from edgewright_runtimes import records
from edgewright_runtimes.errors import BadInput

T = TypeVar("T")


def to_json(record: Any) -> str:
    """One JSON object, keys sorted, strict (no NaN)."""
    return json.dumps(asdict(record), sort_keys=True, allow_nan=False, ensure_ascii=False)


def from_json(kind: type[T], text: str | bytes, *, where: str = "") -> T:
    """Read one record; ``where`` names the file in the message."""
    try:
        data = json.loads(text)
    except ValueError as e:
        raise BadInput(f"{where or kind.__name__}: not JSON ({e})") from e
    if not isinstance(data, dict):
        raise BadInput(f"{where or kind.__name__}: a {kind.__name__} is a JSON object")
    return from_dict(kind, data, where=where)


def from_dict(kind: type[T], data: Mapping[str, Any], *, where: str = "") -> T:
    place = where or kind.__name__
    schema = data.get("schema", records.SCHEMA)
    if not isinstance(schema, int) or schema > records.SCHEMA:
        raise BadInput(
            f"{place}: schema {schema!r} is newer than this version reads ({records.SCHEMA})",
            hint="update edgewright",
        )
    hints = _hints(typing.cast(Hashable, kind))
    known = {name: _value(hints[name], v, place, name) for name, v in data.items() if name in hints}
    try:
        return kind(**known)
    except TypeError as e:
        missing = [n for n in hints if n not in known]
        raise BadInput(f"{place}: {kind.__name__} lacks {', '.join(missing)}") from e


@cache
def _hints(kind: Hashable) -> dict[str, Any]:
    """Of each field its type; the names in the annotations are those of ``records``."""
    hints = typing.get_type_hints(kind, vars(records))
    return {f.name: hints[f.name] for f in fields(typing.cast(Any, kind))}


def _value(hint: Any, value: Any, place: str, name: str) -> Any:
    origin = typing.get_origin(hint)
    if isinstance(hint, type) and is_dataclass(hint) and isinstance(value, Mapping):
        return from_dict(hint, value, where=f"{place}.{name}")
    if origin is tuple:
        if not isinstance(value, list | tuple):
            raise BadInput(f"{place}: {name} is {value!r}, a list was expected")
        return tuple(_value(typing.get_args(hint)[0], v, place, name) for v in value)
    if _fits(hint, origin, value):
        return value
    raise BadInput(f"{place}: {name} is {value!r}, {hint} was expected")


def _fits(hint: Any, origin: Any, value: Any) -> bool:
    if hint is Any:
        return True
    if origin in (typing.Union, types.UnionType):
        return any(_fits(h, typing.get_origin(h), value) for h in typing.get_args(hint))
    if origin is typing.Literal:
        return value in typing.get_args(hint)
    if origin is not None:
        return isinstance(value, origin)
    if hint is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, hint)

"""A node of a TF.js graph: its op, what flows into it, and its attributes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edgewright.inspection.tfjs_json import JsonObject, as_bytes_text, as_int, as_list, as_object

Known = tuple[int, ...] | None
Values = tuple[int, ...] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    op: str
    attributes: JsonObject
    shapes: Sequence[Known]
    values: Sequence[Values]

    def shape(self, index: int) -> Known:
        return self.shapes[index] if index < len(self.shapes) else None

    def need(self, index: int) -> tuple[int, ...]:
        """The shape of an input; ``ValueError`` where it is not known."""
        shape = self.shape(index)
        if shape is None:
            raise ValueError(f"the shape of input {index} is not known")
        return shape

    def value(self, index: int) -> tuple[int, ...]:
        """The integers of an input; ``ValueError`` where they are not known."""
        value = self.values[index]
        if value is None:
            raise ValueError(f"the value of input {index} is not known")
        return value

    def _attribute(self, name: str) -> JsonObject:
        return as_object(self.attributes.get(name))

    def integers(self, name: str) -> list[int]:
        items = as_list(as_object(self._attribute(name).get("list")).get("i"))
        return [as_int(item, default=0) for item in items]

    def integer(self, name: str, default: int) -> int:
        return as_int(self._attribute(name).get("i"), default=default)

    def text(self, name: str, default: str = "") -> str:
        return as_bytes_text(self._attribute(name).get("s")) or default

    def flag(self, name: str) -> bool:
        return self._attribute(name).get("b") is True

    def dims(self, name: str) -> list[int]:
        """A shape attribute; -1 is a free dimension."""
        shape = as_object(self._attribute(name).get("shape"))
        return [as_int(as_object(d).get("size"), default=0) for d in as_list(shape.get("dim"))]

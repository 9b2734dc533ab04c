"""A node of a graph as the rules about TF.js see it, and what they say of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

ELSEWHERE = "convert to tflite or onnx"


class Constants(Protocol):
    """What a graph's constants are, by the name of a tensor; ``None`` for what is no constant."""

    def integers(self, tensor: str) -> tuple[int, ...] | None: ...

    def shape(self, tensor: str) -> tuple[int, ...] | None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphNode:
    """What the rules look at, the same from a GraphDef and from ``model.json``.

    ``words`` are the text attributes; ``numbers`` the whole ones, types by their number in
    ``types.proto``, truths as 0 and 1. A list is in order; a single value is a list of one.
    """

    name: str
    op: str
    inputs: tuple[str, ...] = ()
    words: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    numbers: Mapping[str, tuple[int, ...]] = field(default_factory=dict)

    def input(self, index: int) -> str:
        """The name of a tensor; nothing where the node has not so many."""
        return self.inputs[index] if index < len(self.inputs) else ""

    def word(self, name: str) -> str:
        return next(iter(self.words.get(name, ())), "")

    def number(self, name: str, default: int = 0) -> int:
        return next(iter(self.numbers.get(name, ())), default)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A node, the backends that fail at it, why they do, and what to do about it."""

    node: str
    op: str
    backends: tuple[str, ...]
    why: str
    hint: str = ELSEWHERE

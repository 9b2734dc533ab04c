"""What both formats say of a float artifact: its tensors, and what can be built from it.

A tensor that is kept is kept for good only with the operations at both its ends: the one that
makes it and those that read it, weights and all. So an operation is quantized where none of its
tensors is kept.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Literal, Protocol

from edgewright_runtimes.errors import BadInput

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]
    Arrays = Mapping[str, Array]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tensor:
    """``layers`` are those of the source whose operations were fused into the one named ``op``.

    ``op`` makes an activation and reads weights. ``elements`` are of one item.
    """

    name: str
    kind: Literal["activation", "weights"]
    op: str
    layers: tuple[str, ...]
    elements: int

    @property
    def layer(self) -> str:
        """The layer to show: that of the arithmetic where it is known, else any."""
        return self.layers[-1] if self.layers else ""


class FloatModel(Protocol):
    """A float artifact with the ranges of its activations, as ``mixed.tflite`` and ``.onnx`` read
    it. Every build is bytes of the same format."""

    @property
    def content(self) -> bytes:
        """The float artifact itself."""

    @property
    def activations(self) -> tuple[Tensor, ...]:
        """Float tensors between operations, in the order in which they are made."""

    @property
    def weights(self) -> tuple[Tensor, ...]:
        """Constants of convolutions and matrix products."""

    def integer(self, keep_float: Collection[str] = (), int16: Collection[str] = ()) -> bytes:
        """Int8, but for the operations at the ends of the activations named."""

    def in_int8(self, keep_float: Collection[str] = ()) -> tuple[str, ...]:
        """Activations and weights that are 8-bit in such a build."""

    def alone(self, names: Collection[str]) -> bytes:
        """Float, but the tensors named alone go through 8 bits and back."""

    def pruned(self, name: str, ratio: float) -> bytes:
        """Float, the least of the weights ``name`` by magnitude set to zero."""

    def run(self, content: bytes, feeds: Arrays) -> dict[str, Array]:
        """Outputs [items, ...] of any of these builds, one item after the other."""

    @property
    def biased(self) -> tuple[str, ...]:
        """Outputs of the operations that have a bias of their own, in order."""

    def channel_means(self, content: bytes, feeds: Arrays, made: str) -> Array:
        """[channels] of what the operation that makes ``made`` gives before its activation: the
        mean over items and positions, in the float model or in one of ``alone``."""

    def with_bias_moved(self, made: str, by: Array) -> FloatModel:
        """The same model, ``by`` [channels] added to the bias of that operation."""


def select(tensors: Sequence[Tensor], patterns: Sequence[str], *, where: str) -> tuple[str, ...]:
    """Names of the tensors of which the name or a layer matches a pattern (``*`` and ``?``).

    Raises ``BadInput``, which lists the layers, for a pattern that matches none.
    """
    for pattern in patterns:
        if not any(_matches(tensor, pattern) for tensor in tensors):
            raise _no_match(tensors, pattern, where)
    return tuple(t.name for t in tensors if any(_matches(t, pattern) for pattern in patterns))


def _matches(tensor: Tensor, pattern: str) -> bool:
    return any(fnmatchcase(name, pattern) for name in (tensor.name, *tensor.layers))


def _no_match(tensors: Sequence[Tensor], pattern: str, where: str) -> BadInput:
    layers = list(dict.fromkeys(layer for t in tensors for layer in t.layers))
    near = difflib.get_close_matches(pattern.strip("*?"), layers, n=3, cutoff=0.5)
    meant = f"; did you mean {' or '.join(repr(name) for name in near)}?" if near else ""
    more = f" and {len(layers) - 20} more" if len(layers) > 20 else ""
    return BadInput(
        f"{where}: no layer matches {pattern!r}; layers: {', '.join(layers[:20])}{more}{meant}"
    )


def items_of(feeds: Arrays) -> int:
    return min(len(values) for values in feeds.values())

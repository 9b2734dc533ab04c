"""The weights that can be pruned and clustered: kernels, never biases or batch statistics."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from edgewright_converters.compression.graph.flat import flatten
from edgewright_converters.compression.selection import select
from edgewright_runtimes.records import Skipped

if TYPE_CHECKING:
    from edgewright_converters.compression.graph.flat import Node

KNOWN = (
    "Conv1D",
    "Conv2D",
    "Conv3D",
    "Conv1DTranspose",
    "Conv2DTranspose",
    "Conv3DTranspose",
    "SeparableConv1D",
    "SeparableConv2D",
    "Dense",
    "EinsumDense",
    "Embedding",
    "SimpleRNN",
    "GRU",
    "LSTM",
    "Bidirectional",
    "MultiHeadAttention",
)
_ON_REQUEST = ("DepthwiseConv1D", "DepthwiseConv2D")  # few weights, and each one matters
_NO_INPUT_AXIS = ("Embedding", "EinsumDense", "MultiHeadAttention")
_NAMES = ("kernel", "recurrent_kernel", "pointwise_kernel", "embeddings")


@dataclass(frozen=True, slots=True, kw_only=True)
class Kernel:
    name: str  # stem/kernel
    variable: Any
    layer_kind: str

    @property
    def layer(self) -> str:
        return self.name.partition("/")[0]

    @property
    def input_axis(self) -> int | None:
        """Along which a sum runs over the inputs of one output; ``None`` where there is none."""
        if self.layer_kind.startswith("Depthwise") or self.layer_kind in _NO_INPUT_AXIS:
            return None
        return -1 if self.layer_kind.endswith("Transpose") else -2


def choose_kernels(
    model: Any, patterns: Sequence[str]
) -> tuple[tuple[Kernel, ...], tuple[Skipped, ...]]:
    """Of the layers that are meant, each layer once; and the layers that are left as they are.

    Without ``patterns`` all that are known; what else has matrices of weights is listed as skipped.
    Raises ``BadInput`` for a pattern that matches no layer.
    """
    graph = flatten(model)
    chosen = select(graph, patterns, known=KNOWN)
    if not patterns:
        chosen += [n for n in graph.layers() if n.kind not in KNOWN and _has_matrices(n)]
    kernels: list[Kernel] = []
    skipped = []
    for node in chosen:
        reason = _reason(node, asked=bool(patterns))
        if reason:
            skipped.append(Skipped(layer=node.name, reason=reason))
            continue
        kernels += layer_kernels(node.layer)
    return tuple(kernels), tuple(skipped)


def layer_kernels(layer: Any) -> list[Kernel]:
    kind = type(layer).__name__
    return [
        Kernel(name=name, variable=weight, layer_kind=kind)
        for name, weight in layer_weights(layer).items()
        if weight.name in _NAMES
    ]


def weights_by_name(model: Any) -> dict[str, Any]:
    """Every weight of ``model``: ``stem/kernel``, ``words/forward_lstm/lstm_cell/kernel``."""
    found: dict[str, Any] = {}
    for node in flatten(model).layers():
        found |= layer_weights(node.layer)
    return found


def layer_weights(layer: Any) -> dict[str, Any]:
    """By the layer's name and the rest of the path: what stands before it differs by model."""
    found: dict[str, Any] = {}
    for weight in getattr(layer, "weights", ()):
        parts = weight.path.split("/")
        own = parts[parts.index(layer.name) + 1 :] if layer.name in parts else parts
        found["/".join([layer.name, *own])] = weight
    return found


def _reason(node: Node, *, asked: bool) -> str:
    if node.kind not in (KNOWN + _ON_REQUEST if asked else KNOWN):
        small = "; name it to have it done" if node.kind in _ON_REQUEST else ""
        return f"{node.kind} is not among the kinds it does{small}"
    if not layer_kernels(node.layer):
        return f"{node.kind} has no kernel"
    if not node.layer.trainable:
        return "its weights are frozen"
    return ""


def _has_matrices(node: Node) -> bool:
    return any(len(weight.shape) > 1 for weight in getattr(node.layer, "weights", ()))

"""Finds the dense layers in front of a softmax in a float ONNX graph, and moves their logits."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from edgewright_converters.softmax_head import ROOM, Head, decisive_range, recentred

if TYPE_CHECKING:
    import numpy as np


@dataclass(kw_only=True)
class DenseHead:
    """Names of a Gemm's tensors, and its inputs [items, features] as they are seen."""

    features: str
    weights: str
    bias: str
    transposed: bool  # weights are [classes, features]
    seen: list[np.ndarray[Any, Any]] = field(default_factory=list)

    def update(self, values: np.ndarray[Any, Any]) -> None:
        if sum(part.size for part in self.seen) + values.size <= ROOM:
            self.seen.append(values)

    def recentre(self, graph: Any) -> tuple[float, float] | None:
        """Move the layer's logits where it pays; returns the range they then need."""
        import numpy as np
        from onnx import numpy_helper

        if not self.seen:
            return None
        held = {tensor.name: tensor for tensor in graph.initializer}
        weights = numpy_helper.to_array(held[self.weights])
        bias = numpy_helper.to_array(held[self.bias])
        features = np.concatenate(self.seen)
        moved = recentred(
            Head(weights=weights.T if self.transposed else weights, bias=bias), features
        )
        if moved is None:
            return None
        new = moved.weights.T if self.transposed else moved.weights
        for name, values in ((self.weights, new), (self.bias, moved.bias)):
            array = np.ascontiguousarray(values, np.float32)
            held[name].CopyFrom(numpy_helper.from_array(array, name))
        return decisive_range(moved, features)


def find(graph: Any, logits: str) -> DenseHead | None:
    """The Gemm that makes the tensor ``logits``, where its weights are its own."""
    held = {tensor.name for tensor in graph.initializer if tensor.data_type == 1}
    reads = [name for node in graph.node for name in node.input]
    for node in graph.node:
        if node.op_type != "Gemm" or logits not in node.output or len(node.input) != 3:
            continue
        options = {a.name: a.i if a.type == 2 else a.f for a in node.attribute}
        plain = options.get("alpha", 1) == options.get("beta", 1) == 1
        own = all(name in held and reads.count(name) == 1 for name in node.input[1:])
        if plain and own and not options.get("transA"):
            return DenseHead(
                features=node.input[0],
                weights=node.input[1],
                bias=node.input[2],
                transposed=bool(options.get("transB")),
            )
    return None

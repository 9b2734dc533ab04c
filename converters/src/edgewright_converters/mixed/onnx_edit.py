"""Changes to a float ONNX graph in memory: tensors through 8 bits and back, weights, biases."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from edgewright_converters.mixed.eight_bits import scale_and_zero

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

_WEIGHTED = ("Conv", "ConvTranspose", "Gemm", "MatMul")
_BIASED = ("Conv", "Gemm")
MADE, SEEN = "/made", "/seen"  # of a tensor before and behind a pair


def weighted(graph: Any) -> Iterator[tuple[Any, str, int]]:
    """Nodes with float constant weights: node, initializer's name, axis of its output channels."""
    held = {tensor.name: tensor for tensor in graph.initializer if tensor.data_type == 1}
    for node in graph.node:
        if node.op_type in _WEIGHTED and len(node.input) > 1 and node.input[1] in held:
            yield node, node.input[1], _axis(node, len(held[node.input[1]].dims))


def biased(graph: Any) -> Iterator[tuple[Any, str]]:
    """Those of them that have a bias of their own: node, initializer's name."""
    held = {tensor.name for tensor in graph.initializer if tensor.data_type == 1}
    reads = [name for node in graph.node for name in node.input]
    for node, _, _ in weighted(graph):
        bias = node.input[2] if node.op_type in _BIASED and len(node.input) > 2 else ""
        if bias in held and reads.count(bias) == 1:
            yield node, bias


def _axis(node: Any, rank: int) -> int:
    if node.op_type == "Conv":
        return 0
    if node.op_type == "Gemm":
        return 0 if any(a.name == "transB" and a.i for a in node.attribute) else 1
    return 1 if node.op_type == "ConvTranspose" else rank - 1


def read(graph: Any, name: str) -> Array:
    from onnx import numpy_helper

    tensor = next(tensor for tensor in graph.initializer if tensor.name == name)
    values: Array = numpy_helper.to_array(tensor)
    return values


def write(graph: Any, name: str, values: Array) -> None:
    import numpy as np
    from onnx import numpy_helper

    tensor = next(tensor for tensor in graph.initializer if tensor.name == name)
    tensor.CopyFrom(numpy_helper.from_array(np.ascontiguousarray(values, np.float32), name))


def insert_pairs(graph: Any, ranges: Mapping[str, tuple[float, float]]) -> None:
    """A QuantizeLinear and a DequantizeLinear behind each tensor, by name.

    A tensor that a node makes keeps its name behind the pair, an input before it.
    """
    inputs = {value.name for value in graph.input}
    nodes: list[Any] = []
    for name in (value.name for value in graph.input if value.name in ranges):
        after = f"{name}{SEEN}"
        for node in graph.node:
            node.input[:] = [after if given == name else given for given in node.input]
        nodes += _pair(graph, name, after, ranges[name])
    for node in graph.node:
        nodes.append(node)
        for place, name in enumerate(node.output):
            if name in ranges and name not in inputs:
                node.output[place] = f"{name}{MADE}"
                nodes += _pair(graph, node.output[place], name, ranges[name])
    copies = [_copied(node) for node in nodes]
    del graph.node[:]
    graph.node.extend(copies)


def _copied(node: Any) -> Any:
    import onnx

    copy = onnx.NodeProto()
    copy.CopyFrom(node)
    return copy


def _pair(graph: Any, before: str, after: str, span: tuple[float, float]) -> list[Any]:
    import numpy as np
    from onnx import helper, numpy_helper

    scale, zero = scale_and_zero(*span)
    names = [f"{before}/scale", f"{before}/zero"]
    for name, value in zip(names, (np.float32(scale), np.int8(zero)), strict=True):
        graph.initializer.append(numpy_helper.from_array(np.asarray(value), name))
    middle = f"{before}/int8"
    return [
        helper.make_node("QuantizeLinear", [before, *names], [middle]),
        helper.make_node("DequantizeLinear", [middle, *names], [after]),
    ]

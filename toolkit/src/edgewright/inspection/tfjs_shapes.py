"""Shapes and multiply-accumulates of a TF.js graph, whose JSON states neither.

Shapes flow from the inputs (a free first dimension counts as 1) through the rules below; small
integer constants are read, for reshaping, axes and paddings are such, and shapes that the graph
itself computes are followed. Behind an op without a rule nothing is known, and convolutions and
products there say so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from edgewright.inspection.graph import matmul_macs, product
from edgewright.inspection.tfjs_json import JsonObject, as_list, as_object, as_text
from edgewright.inspection.tfjs_node import Known, Node, Values
from edgewright.inspection.tfjs_rules import SHAPES, VALUES, einsum_sizes

# what comes of JSON that is not as TensorFlow writes it: nothing is known then
_MALFORMED = (
    ArithmeticError,
    AttributeError,
    IndexError,
    KeyError,
    MemoryError,
    TypeError,
    ValueError,
)
_MAX_RANK = 32
_MAX_VALUES = 256
_CONVOLUTIONS = frozenset({"Conv1D", "Conv2D", "Conv3D", "_FusedConv2D"})
_DEPTHWISE = frozenset({"DepthwiseConv2dNative", "FusedDepthwiseConv2dNative"})
_PRODUCTS = frozenset({"BatchMatMul", "BatchMatMulV2", "BatchMatMulV3", "MatMul", "_FusedMatMul"})


class Inference:
    """Nodes are added in the order in which they compute."""

    def __init__(
        self,
        weights: Mapping[str, tuple[int, ...]],
        integers: Callable[[str], Values],
    ) -> None:
        self._weights = weights
        self._integers = integers
        self._shapes: dict[str, Known] = {}
        self._values: dict[str, Values] = {}

    def add(self, name: str, described: JsonObject) -> int | None:
        """The node's MACs, or None where they cannot be known."""
        inputs = [as_text(i) for i in as_list(described.get("input"))]
        sources = [_output(i) for i in inputs if not i.startswith("^")]
        node = Node(
            op=as_text(described.get("op")),
            attributes=as_object(described.get("attr")),
            shapes=[self._shapes.get(s) for s in sources],
            values=[self._values.get(s) for s in sources],
        )
        if node.op == "Const":
            self._shapes[name] = self._weights.get(name)
            self._values[name] = self._integers(name)
            return 0
        shape = self._shapes[name] = _known_or_none(SHAPES, node)
        self._values[name] = _known_or_none(VALUES, node)
        if shape is not None and (len(shape) > _MAX_RANK or any(d < 0 for d in shape)):
            self._shapes[name] = None
        try:
            return _macs(node, self._shapes[name])
        except _MALFORMED:
            return None


def _known_or_none(rules: Mapping[str, Callable[[Node], Known]], node: Node) -> Known:
    rule = rules.get(node.op)
    try:
        found = rule(node) if rule else None
    except _MALFORMED:
        return None
    # a graph made to grow its numbers without end is not followed
    sane = found is not None and len(found) <= _MAX_VALUES and all(abs(n) < 1 << 63 for n in found)
    return found if sane else None


def _output(given: str) -> str:
    """``name:0`` is ``name``; other outputs keep their number, and are not known."""
    return given.removesuffix(":0")


def _macs(node: Node, out: Known) -> int | None:
    if node.op in _CONVOLUTIONS:  # filter [k..., in / groups, out]
        return product(_size(out), _size(_head(node.shape(1), -1)))
    if node.op in _DEPTHWISE:  # filter [h, w, in, multiplier]
        return product(_size(out), _size(_head(node.shape(1), 2)))
    if node.op == "Conv2DBackpropInput":  # filter [h, w, out, in], met by every input element
        return product(_size(node.shape(2)), _size(_head(node.shape(1), -1)))
    if node.op in _PRODUCTS:
        left, flip = node.shape(0), node.flag("transpose_a") or node.flag("adj_x")
        if left and flip:
            left = (*left[:-2], left[-1], left[-2])
        return matmul_macs(left, out)
    if node.op == "Einsum":
        sizes = einsum_sizes(node)
        return product(*sizes.values()) if sizes else None
    return 0


def _head(shape: Known, count: int) -> Known:
    return None if shape is None else shape[:count]


def _size(shape: Known) -> int | None:
    return None if shape is None else product(*shape)

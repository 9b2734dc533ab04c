"""Ops that TF.js does not have, in terms of those it has."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edgewright_converters.tfjs_graph.einsum import rewrite_einsums
from edgewright_converters.tfjs_graph.graph import Graph, attributes, scalar
from edgewright_converters.tfjs_graph.shapes import Shape, Shapes
from edgewright_converters.tfjs_graph.slicing import rewrite_slices

if TYPE_CHECKING:
    from tensorflow.core.framework.node_def_pb2 import NodeDef

RENAMED = {"Inv": "Reciprocal", "Rint": "Round"}  # the same function; both round half to even
_BOOL, _INT32 = 10, 3  # types.proto


def rewrite(graph: Graph) -> None:
    for node in graph:
        if node.op in RENAMED:
            node.op = RENAMED[node.op]
        elif node.op in _ALONE:
            _ALONE[node.op](graph, node)
    shapes = Shapes(graph)
    rewrite_einsums(graph, shapes)
    rewrite_slices(graph, shapes)
    for node in graph:
        if node.op in ("Cumprod", "Cumsum"):
            _count_axis_from_0(graph, node, shapes)
        elif node.op == "BatchMatMulV2":
            _spread_batches(graph, node, shapes)
        elif node.op in _ELEMENTWISE:
            _level_ranks(graph, node, shapes)


def _erfc(graph: Graph, node: NodeDef) -> None:
    """erfc(x) = 1 - erf(x): the exact GELU. TF.js' own ``Erf`` is good to 1.5e-7
    (Abramowitz and Stegun 7.1.26), so the cancellation near 1 costs nothing more."""
    one = scalar(graph, node, 1, node.attr["T"].type)
    erf = graph.add_node(f"{node.name}/erf", "Erf", [node.input[0]], attrs_of=node)
    graph.replace(node, "Sub", [one, erf], attrs_of=node)


def _softsign(graph: Graph, node: NodeDef) -> None:
    """softsign(x) = x / (1 + |x|)."""
    x, one = node.input[0], scalar(graph, node, 1, node.attr["T"].type)
    size = graph.add_node(f"{node.name}/abs", "Abs", [x], attrs_of=node)
    total = graph.add_node(f"{node.name}/add", "AddV2", [one, size], attrs_of=node)
    graph.replace(node, "RealDiv", [x, total], attrs_of=node)


def _one_hot(graph: Graph, node: NodeDef) -> None:
    """In integers, then cast: the wasm backend writes an integer's bits where a float belongs
    (tfjs-backend-wasm, kernels/OneHot.ts)."""
    dtype = node.attr["T"].type
    if dtype == _INT32 or not all(map(graph.is_constant, node.input[2:4])):
        return
    on_off = [graph.values(name) for name in node.input[2:4]]
    if any(np.asarray(v).astype(np.int32) != v for v in on_off):
        return
    values = [
        graph.add_constant(f"{node.name}/{name}", value.astype(np.int32))
        for name, value in zip(("on", "off"), on_off, strict=True)
    ]
    integers = graph.add_node(f"{node.name}/integers", node.op, [*node.input[:2], *values], node)
    graph.nodes[integers].attr["T"].type = _INT32
    like = attributes(SrcT=_INT32, DstT=dtype)
    graph.replace(node, "Cast", [integers], attrs_of=like)


def _cast(graph: Graph, node: NodeDef) -> None:
    """To bool as x != 0: the wasm backend keeps the lowest byte (kernels/Cast.ts)."""
    source = node.attr["SrcT"].type
    if node.attr["DstT"].type != _BOOL or source == _BOOL:
        return
    zero = scalar(graph, node, 0, source)
    like = attributes(T=source, incompatible_shape_error=True)
    graph.replace(node, "NotEqual", [node.input[0], zero], attrs_of=like)


def _count_axis_from_0(graph: Graph, node: NodeDef, shapes: Shapes) -> None:
    """TF.js takes the axis as it is, and sums nothing at -1 (tfjs-core, ops/cumsum.ts)."""
    shape = shapes.of(node.input[0])
    if shape is None or not graph.is_constant(node.input[1]):
        return
    axis = graph.values(node.input[1])
    if axis < 0:
        counted = graph.add_constant(f"{node.name}/axis", (axis + len(shape)).astype(np.int32))
        graph.set_inputs(node, [node.input[0], counted])
        node.attr["Tidx"].type = _INT32


def _spread_batches(graph: Graph, node: NodeDef, shapes: Shapes) -> None:
    """Batches of size 1 behind others, tiled to what they meet: TF.js takes matrix n of the
    smaller side modulo how many it has (tfjs-core, ops/mat_mul.ts and the kernels)."""
    given = [shapes.of(name) for name in node.input]
    left, right = (shape[:-2] if shape else () for shape in given)
    if None in given or left == right or not (left and right):
        return
    inputs = list(node.input)
    for side, (batch, other) in enumerate(((left, right), (right, left))):
        times = _times(batch, other)
        if any(n != 1 for n in times):
            inputs[side] = _tiled(graph, node, inputs[side], [*times, 1, 1])
    graph.set_inputs(node, inputs)


def _level_ranks(graph: Graph, node: NodeDef, shapes: Shapes) -> None:
    """A constant beside a tensor of rank 5 and more gets as many axes: webgpu gives wrong numbers
    where it has fewer (seen in Chromium; volumes, and sequences of pictures)."""
    found = graph.split_constant(node)
    shape = found and shapes.of(found[0])
    if not found or not shape or len(shape) < 5 or node.attr["data_format"].s.startswith(b"NC"):
        return
    values = found[1]
    if not 0 < values.ndim < len(shape):
        return
    leveled = values.reshape((1,) * (len(shape) - values.ndim) + values.shape)
    name = graph.add_constant(f"{node.name}/leveled", leveled)
    inputs = [name if graph.is_constant(given) else given for given in node.input]
    op = "AddV2" if node.op == "BiasAdd" else node.op
    graph.replace(node, op, inputs, attrs_of=attributes(T=node.attr["T"].type))


def _times(batch: Shape, other: Shape) -> list[int]:
    """How often to repeat each axis; those in front may stay 1, for the modulo repeats them."""
    first = next((i for i, size in enumerate(batch) if size != 1), len(batch))
    met = (1,) * (len(batch) - len(other)) + other[max(0, len(other) - len(batch)) :]
    return [
        (n or 1) if i > first and size == 1 else 1
        for i, (size, n) in enumerate(zip(batch, met, strict=True))
    ]


def _tiled(graph: Graph, node: NodeDef, tensor: str, times: list[int]) -> str:
    multiples = graph.add_constant(f"{node.name}/times", np.array(times, np.int32))
    like = attributes(T=node.attr["T"].type, Tmultiples=_INT32)
    return graph.add_node(f"{node.name}/tile", "Tile", [tensor, multiples], like)


_ELEMENTWISE = frozenset(
    {"Add", "AddV2", "BiasAdd", "Maximum", "Minimum", "Mul", "RealDiv", "Sub", "SquaredDifference"}
)
_ALONE = {"Cast": _cast, "Erfc": _erfc, "OneHot": _one_hot, "Softsign": _softsign}

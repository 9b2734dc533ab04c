"""What each TensorFlow op makes of the shapes, and of the small integers, that flow into it.

Every rule raises ``ValueError`` (or what indexing raises) where its inputs are not known.
Rules are those of TensorFlow's op documentation.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import ceil, prod

import numpy as np

from edgewright.inspection.tfjs_node import Known, Node, Values

Shape = tuple[int, ...]


def _same(node: Node) -> Known:
    return node.shape(0)


def _broadcast(node: Node) -> Known:
    known = [node.need(index) for index in range(len(node.shapes))]
    return tuple(np.broadcast_shapes(*known))


def _placeholder(node: Node) -> Known:
    dims = node.dims("shape")
    return tuple(1 if d < 0 and axis == 0 else d for axis, d in enumerate(dims))


def _windows(node: Node, window: Sequence[int], axes: Sequence[int]) -> list[int]:
    """The sizes after a sliding window: SAME gives ceil(n / s), VALID ceil((n - w + 1) / s)."""
    given, strides = node.need(0), node.integers("strides")
    dilations = node.integers("dilations") or [1] * len(given)
    explicit = node.integers("explicit_paddings")
    padding = node.text("padding")
    sizes = []
    for extent, axis in zip(window, axes, strict=True):
        reach = (extent - 1) * dilations[axis] + 1
        length = given[axis]
        if padding == "EXPLICIT":
            length += explicit[2 * axis] + explicit[2 * axis + 1]
        span = length if padding == "SAME" else length - reach + 1
        sizes.append(ceil(span / strides[axis]))
    return sizes


def _axes(node: Node) -> tuple[list[int], int]:
    """The axes that windows slide along, and that of channels."""
    rank = len(node.need(0))
    if node.text("data_format", "NHWC").startswith("NC"):
        return list(range(2, rank)), 1
    return list(range(1, rank - 1)), rank - 1


def _placed(node: Node, sizes: Sequence[int], axes: Sequence[int], channels: int) -> Shape:
    shape, (_, channel) = list(node.need(0)), _axes(node)
    for axis, size in zip(axes, sizes, strict=True):
        shape[axis] = size
    shape[channel] = channels
    return tuple(shape)


def _convolution(node: Node) -> Known:
    weights, (axes, _) = node.need(1), _axes(node)
    return _placed(node, _windows(node, weights[:-2], axes), axes, weights[-1])


def _depthwise(node: Node) -> Known:
    weights, (axes, _) = node.need(1), _axes(node)
    return _placed(node, _windows(node, weights[:2], axes), axes, weights[2] * weights[3])


def _pool(node: Node) -> Known:
    window, (axes, channel) = node.integers("ksize"), _axes(node)
    sizes = _windows(node, [window[axis] for axis in axes], axes)
    return _placed(node, sizes, axes, node.need(0)[channel])


def _matmul(node: Node) -> Known:
    left, right = node.need(0), node.need(1)
    rows = left[-1] if node.flag("transpose_a") or node.flag("adj_x") else left[-2]
    columns = right[-2] if node.flag("transpose_b") or node.flag("adj_y") else right[-1]
    return (*np.broadcast_shapes(left[:-2], right[:-2]), rows, columns)


def einsum_sizes(node: Node) -> dict[str, int]:
    """The size of each letter of the equation; empty for one with an ellipsis."""
    terms = node.text("equation").split("->")[0].split(",")
    if any("." in term for term in terms):
        return {}
    sizes: dict[str, int] = {}
    for index, term in enumerate(terms):
        sizes.update(zip(term, node.need(index), strict=True))
    return sizes


def _einsum(node: Node) -> Known:
    sizes = einsum_sizes(node)
    return tuple(sizes[letter] for letter in node.text("equation").split("->")[1])


def _reshape(node: Node) -> Known:
    wanted, given = node.value(1), prod(node.need(0))
    rest = prod(d for d in wanted if d != -1)
    return tuple(given // rest if d == -1 else d for d in wanted)


def _reduce(node: Node) -> Known:
    shape = node.need(0)
    gone = {axis % len(shape) for axis in node.value(1)}
    keep = node.flag("keep_dims")
    return tuple(1 if i in gone else d for i, d in enumerate(shape) if keep or i not in gone)


def _transpose(node: Node) -> Known:
    shape = node.need(0)
    return tuple(shape[axis] for axis in node.value(1))


def _squeeze(node: Node) -> Known:
    shape = node.need(0)
    axes = {axis % len(shape) for axis in node.integers("squeeze_dims")}
    return tuple(d for i, d in enumerate(shape) if not (i in axes or (not axes and d == 1)))


def _expand(node: Node) -> Known:
    shape, axis = list(node.need(0)), node.value(1)[0]
    shape.insert(axis if axis >= 0 else len(shape) + 1 + axis, 1)
    return tuple(shape)


def _concat(node: Node) -> Known:
    axis = node.value(len(node.shapes) - 1)[0]
    parts = [node.need(index) for index in range(len(node.shapes) - 1)]
    shape = list(parts[0])
    shape[axis] = sum(part[axis] for part in parts)
    return tuple(shape)


def _pack(node: Node) -> Known:
    shape, axis = list(node.need(0)), node.integer("axis", 0)
    shape.insert(axis if axis >= 0 else len(shape) + 1 + axis, len(node.shapes))
    return tuple(shape)


def _pad(node: Node) -> Known:
    shape, pads = node.need(0), node.value(1)
    return tuple(d + pads[2 * i] + pads[2 * i + 1] for i, d in enumerate(shape))


def _strided_slice(node: Node) -> Known:
    # a view of one zero: nothing of that size is ever made
    zeros = np.broadcast_to(np.int8(0), node.need(0))
    return tuple(zeros[_slices(node)].shape)


def _slices(node: Node) -> tuple[slice | int | None, ...]:
    if node.integer("ellipsis_mask", 0):
        raise ValueError("an ellipsis")
    begin, end, step = node.value(1), node.value(2), node.value(3)
    masks = [node.integer(f"{name}_mask", 0) for name in ("begin", "end", "shrink_axis")]
    new = node.integer("new_axis_mask", 0)
    taken: list[slice | int | None] = []
    for i in range(len(begin)):
        if new >> i & 1:
            taken.append(None)
        elif masks[2] >> i & 1:
            taken.append(begin[i])
        else:
            start = None if masks[0] >> i & 1 else begin[i]
            taken.append(slice(start, None if masks[1] >> i & 1 else end[i], step[i]))
    return tuple(taken)


def _resize(node: Node) -> Known:
    shape = node.need(0)
    return (shape[0], *node.value(1), shape[3])


def _slice(node: Node) -> Known:
    shape, begin, size = node.need(0), node.value(1), node.value(2)
    return tuple(d - b if s == -1 else s for d, b, s in zip(shape, begin, size, strict=True))


def _gather(node: Node) -> Known:
    shape, indices, axis = node.need(0), node.need(1), node.value(2)[0]
    return (*shape[:axis], *indices, *shape[axis:][1:])


def _shape_value(node: Node) -> Values:
    return node.shape(0)


def _slice_value(node: Node) -> Values:
    values = np.array(node.value(0), dtype=object)
    return tuple(np.atleast_1d(values[_slices(node)]).tolist())


def _pack_value(node: Node) -> Values:
    return tuple(node.value(index)[0] for index in range(len(node.values)))


def _concat_value(node: Node) -> Values:
    parts = [node.value(index) for index in range(len(node.values) - 1)]
    return tuple(v for part in parts for v in part)


def _gather_value(node: Node) -> Values:
    values = node.value(0)
    return tuple(values[index] for index in node.value(1))


_KEEP_SHAPE = """
    Abs BiasAdd Cast Ceil ClipByValue Cos Cumsum Elu Erf Exp Floor FusedBatchNorm
    FusedBatchNormV2 FusedBatchNormV3 Identity LRN LeakyRelu Log Log1p LogSoftmax LogicalNot
    Neg OnesLike Prelu Reciprocal Relu Relu6 Reverse ReverseV2 Round Rsqrt Selu Sigmoid Sign
    Sin Softmax Softplus Sqrt Square StopGradient Tanh ZerosLike
"""
_BROADCAST = """
    Add AddN AddV2 Div DivNoNan Equal FloorDiv FloorMod Greater GreaterEqual Less LessEqual
    LogicalAnd LogicalOr Maximum Minimum Mod Mul NotEqual Pow RealDiv Select SelectV2
    SquaredDifference Sub
"""

SHAPES: dict[str, Callable[[Node], Known]] = {
    **dict.fromkeys(_KEEP_SHAPE.split(), _same),
    **dict.fromkeys(_BROADCAST.split(), _broadcast),
    **dict.fromkeys(("Max", "Mean", "Min", "Prod", "Sum", "All", "Any"), _reduce),
    **dict.fromkeys(("AvgPool", "AvgPool3D", "MaxPool", "MaxPool3D"), _pool),
    **dict.fromkeys(("Conv1D", "Conv2D", "Conv3D", "_FusedConv2D"), _convolution),
    **dict.fromkeys(("DepthwiseConv2dNative", "FusedDepthwiseConv2dNative"), _depthwise),
    **dict.fromkeys(
        ("BatchMatMul", "BatchMatMulV2", "BatchMatMulV3", "MatMul", "_FusedMatMul"), _matmul
    ),
    **dict.fromkeys(("MirrorPad", "Pad", "PadV2"), _pad),
    **dict.fromkeys(("ResizeBilinear", "ResizeNearestNeighbor"), _resize),
    "BroadcastTo": lambda node: node.value(1),
    "ConcatV2": _concat,
    "Conv2DBackpropInput": lambda node: node.value(0),
    "Einsum": _einsum,
    "ExpandDims": _expand,
    "Fill": lambda node: node.value(0),
    "GatherV2": _gather,
    "Pack": _pack,
    "Placeholder": _placeholder,
    "PlaceholderWithDefault": _placeholder,
    "Reshape": _reshape,
    "Shape": lambda node: (len(node.need(0)),),
    "Slice": _slice,
    "Squeeze": _squeeze,
    "StridedSlice": _strided_slice,
    "Tile": lambda node: tuple(d * n for d, n in zip(node.need(0), node.value(1), strict=True)),
    "Transpose": _transpose,
}

VALUES: dict[str, Callable[[Node], Values]] = {
    "Cast": lambda node: node.values[0],
    "ConcatV2": _concat_value,
    "ExpandDims": lambda node: node.values[0],
    "GatherV2": _gather_value,
    "Identity": lambda node: node.values[0],
    "Mul": lambda node: (node.value(0)[0] * node.value(1)[0],),
    "Pack": _pack_value,
    "Prod": lambda node: (prod(node.value(0)),),
    "Reshape": lambda node: node.values[0],
    "Shape": _shape_value,
    "Squeeze": lambda node: node.values[0],
    "StridedSlice": _slice_value,
}

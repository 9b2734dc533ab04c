"""Ops that TF.js 4.22 has kernels for, and that fail or give other numbers than TensorFlow.

Each was seen in the pinned version (node for cpu and wasm, Chromium for webgl and webgpu); the
place in its source is given where it is known. The writer avoids what it can (``rewrite``,
``slicing``, ``fuse``): these are for what is left, and for the files of other converters.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from edgewright_converters.tfjs_graph.kernels import BACKENDS
from edgewright_converters.tfjs_graph.node_view import ELSEWHERE, Constants, Gap, GraphNode

Rule = Callable[[GraphNode, Constants], Gap | None]
_BOOL, _INT32 = 10, 3  # types.proto
_WRONG = "wrong numbers"


def _gap(node: GraphNode, backends: tuple[str, ...], why: str, hint: str = ELSEWHERE) -> Gap:
    return Gap(node=node.name, op=node.op, backends=backends, why=f"op {node.op} {why}", hint=hint)


def _channels_first(node: GraphNode, _constants: Constants) -> Gap | None:
    """``data_format`` is read for convolutions only, and then with the strides of NHWC; wasm's
    kernels refuse it (tfjs-converter, executors/convolution_executor.ts)."""
    layout = node.word("data_format")
    if not layout.startswith("NC"):
        return None
    runs = node.op in ("Conv2D", "_FusedConv2D") and set(node.numbers.get("strides", ())) <= {1}
    hint = "build the model with data_format='channels_last'"
    backends = ("wasm",) if runs else BACKENDS
    return _gap(node, backends, f"takes no data_format {layout}", hint)


def _einsum(node: GraphNode, _constants: Constants) -> Gap | None:
    """tfjs-core, ops/einsum_util.ts (decodeEinsumEquation)."""
    equation = node.word("equation")
    repeated = any(len(set(term)) < len(term) for term in equation.split("->")[0].split(","))
    if "." not in equation and not repeated:
        return None
    why = f"takes no ellipsis and no letter twice in one term ({equation})"
    return _gap(node, BACKENDS, why, "write it with matmul, transpose and sums")


def _band_part(node: GraphNode, constants: Constants) -> Gap | None:
    """tfjs-converter, op_list/matrices.ts: numUpper is read from the input of numLower."""
    lower, upper = node.input(1), node.input(2)
    known = constants.integers(lower)
    if lower == upper or (known is not None and known == constants.integers(upper)):
        return None
    hint = "give the sequence a fixed length: then it is rewritten"
    return _gap(node, BACKENDS, f"takes its lower bound for the upper one: {_WRONG}", hint)


def _strided_slice(node: GraphNode, constants: Constants) -> Gap | None:
    """tfjs-core, ops/slice_util.ts: an axis that is taken out hands its stride on."""
    strides = constants.integers(node.input(3))
    if not node.number("shrink_axis_mask") or not strides or set(strides) == {1}:
        return None
    why = f"with a stride and an axis taken out: {_WRONG}"
    return _gap(node, BACKENDS, why, "take the slice in two steps")


def _cumulate(node: GraphNode, constants: Constants) -> Gap | None:
    """tfjs-core, ops/cumsum.ts: the axis is used as it is."""
    axis = constants.integers(node.input(1))
    if not axis or axis[0] >= 0:
        return None
    return _gap(node, BACKENDS, f"takes no axis {axis[0]}", "count the axis from 0")


def _leaky_depthwise(node: GraphNode, _constants: Constants) -> Gap | None:
    """tfjs-converter, op_list/convolution.ts: the slope is not read, and becomes NaN."""
    if "LeakyRelu" not in node.words.get("fused_ops", ()):
        return None
    return _gap(node, BACKENDS, f"with LeakyRelu: {_WRONG}", "convert the source again, here")


def _transposed_dilated(node: GraphNode, _constants: Constants) -> Gap | None:
    """tfjs-converter, executors/convolution_executor.ts: dilations are not handed on."""
    if set(node.numbers.get("dilations", (1,))) <= {1}:
        return None
    return _gap(node, BACKENDS, f"with a dilation: {_WRONG}")


def _bitwise(node: GraphNode, _constants: Constants) -> Gap | None:
    return _gap(node, BACKENDS, "fails: its inputs are not read")


def _one_hot_axis(node: GraphNode, _constants: Constants) -> Gap | None:
    """tfjs-converter, executors/creation_executor.ts: the axis is not read."""
    if node.number("axis", -1) == -1:
        return None
    return _gap(
        node, BACKENDS, f"along an axis: {_WRONG}", "make it along the last, then transpose"
    )


def _one_hot_floats(node: GraphNode, _constants: Constants) -> Gap | None:
    """tfjs-backend-wasm, cc/kernels/OneHot.cc writes an integer's bits."""
    if node.number("T", _INT32) == _INT32:
        return None
    return _gap(node, ("wasm",), f"of floats: {_WRONG}")


def _cast_to_bool(node: GraphNode, _constants: Constants) -> Gap | None:
    """tfjs-backend-wasm, kernels/Cast.ts keeps the lowest byte of the value."""
    if node.number("DstT") != _BOOL or node.number("SrcT") == _BOOL:
        return None
    return _gap(node, ("wasm",), f"to bool: {_WRONG}")


def _thin_strided(node: GraphNode, constants: Constants) -> Gap | None:
    """wasm's convolutions give zeros where a kernel of 1 x n strides along its side of 1."""
    filters, strides = constants.shape(node.input(1)), node.numbers.get("strides", ())
    if node.word("padding") != "SAME" or filters is None or len(filters) != len(strides) != 4:
        return None
    sides = list(zip(filters[:2], strides[1:3], strict=True))
    thin = any(size == 1 and stride > 1 for size, stride in sides)
    if not thin or filters[:2] == (1, 1):
        return None
    why = f"of {filters[0]} x {filters[1]} at strides {strides[1]}, {strides[2]}, SAME: {_WRONG}"
    return _gap(node, ("wasm",), why)


def _dilation(node: GraphNode, _constants: Constants) -> Gap | None:
    return _gap(node, ("wasm",), f"of more than one channel: {_WRONG}")


def _floor_div(node: GraphNode, _constants: Constants) -> Gap | None:
    """tfjs-backend-webgl, kernels/FloorDiv.ts divides integers whatever it is given."""
    return None if node.number("T") == _INT32 else _gap(node, ("webgl",), f"of floats: {_WRONG}")


def _blocks(node: GraphNode, constants: Constants) -> Gap | None:
    """tfjs-backend-webgl, kernels/SpaceToBatchND.ts: dilated Conv3D, for one."""
    block = constants.integers(node.input(1))
    return _gap(node, ("webgl",), "fails above rank 4") if block and len(block) > 2 else None


def _binary_count(node: GraphNode, _constants: Constants) -> Gap | None:
    if not node.number("binary_output"):
        return None
    return _gap(node, ("webgpu",), f"with binary_output: {_WRONG}")


def _turned_truths(node: GraphNode, _constants: Constants) -> Gap | None:
    if node.number("T") != _BOOL:
        return None
    return _gap(node, ("webgpu",), f"of truths: {_WRONG}", "cast them to int32 before")


_LAYOUTS = (
    "AvgPool", "AvgPool3D", "BiasAdd", "Conv2D", "Conv2DBackpropInput", "Conv3D",
    "DepthToSpace", "DepthwiseConv2dNative", "FusedBatchNorm", "FusedBatchNormV2",
    "FusedBatchNormV3", "FusedDepthwiseConv2dNative", "MaxPool", "MaxPool3D",
    "MaxPoolWithArgmax", "_FusedConv2D",
)  # fmt: skip
RULES: Mapping[str, tuple[Rule, ...]] = {
    **dict.fromkeys(_LAYOUTS, (_channels_first,)),
    "BatchToSpaceND": (_blocks,),
    "BitwiseAnd": (_bitwise,),
    "Cast": (_cast_to_bool,),
    "Conv2D": (_channels_first, _thin_strided),
    "Conv2DBackpropInput": (_channels_first, _transposed_dilated),
    "Cumprod": (_cumulate,),
    "Cumsum": (_cumulate,),
    "DenseBincount": (_binary_count,),
    "DepthwiseConv2dNative": (_channels_first, _thin_strided),
    "Dilation2D": (_dilation,),
    "Einsum": (_einsum,),
    "FloorDiv": (_floor_div,),
    "FusedDepthwiseConv2dNative": (_channels_first, _thin_strided, _leaky_depthwise),
    "MatrixBandPart": (_band_part,),
    "OneHot": (_one_hot_axis, _one_hot_floats),
    "SpaceToBatchND": (_blocks,),
    "StridedSlice": (_strided_slice,),
    "Transpose": (_turned_truths,),
    "_FusedConv2D": (_channels_first, _thin_strided),
}

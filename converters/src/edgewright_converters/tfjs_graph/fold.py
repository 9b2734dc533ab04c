"""Scales and offsets after a convolution or a matmul go into its weights and its bias.

Batch normalization at inference is y * scale + offset per channel; so is whatever grappler's
constant folding leaves as ``Mul`` and ``AddV2`` with constants. The arithmetic is float64.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edgewright_converters.tfjs_graph.graph import Graph, Values, node_of

if TYPE_CHECKING:
    from tensorflow.core.framework.node_def_pb2 import NodeDef

CONTRACTIONS = frozenset({"Conv2D", "DepthwiseConv2dNative", "MatMul"})
BATCH_NORMS = frozenset({"FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3"})


def fold(graph: Graph) -> None:
    """One sweep in topological order folds a whole chain: each step leaves the same form."""
    for node in graph:
        if node.op in ("Add", "AddV2", "BiasAdd", "Sub"):
            _fold_add(graph, node)
        elif node.op == "Mul":
            _fold_mul(graph, node)
        elif node.op in BATCH_NORMS:
            _fold_batch_norm(graph, node)


def channels_of(graph: Graph, contraction: NodeDef) -> int | None:
    """Output channels, where the weights are a constant and the layout is NHWC."""
    if contraction.op not in CONTRACTIONS or not graph.is_constant(contraction.input[1]):
        return None
    if contraction.attr["data_format"].s not in (b"", b"NHWC"):
        return None
    shape = [
        d.size for d in graph.producer(contraction.input[1]).attr["value"].tensor.tensor_shape.dim
    ]
    if contraction.op == "DepthwiseConv2dNative":
        return int(shape[2] * shape[3])
    return int(shape[0] if _turned(contraction) else shape[-1])


def _turned(contraction: NodeDef) -> bool:
    """To ask a node for an attribute that it does not have would give it one."""
    return bool(contraction.op == "MatMul" and contraction.attr["transpose_b"].b)


def _fold_add(graph: Graph, node: NodeDef) -> None:
    found = graph.split_constant(node)
    if found is None or (node.op == "Sub" and not graph.is_constant(node.input[1])):
        return
    before, values = found
    target = _contraction_before(graph, before)
    if target is None:
        return
    contraction, bias, channels = target
    offset = _per_channel(values, channels)
    if offset is None:
        return
    offset = -offset if node.op == "Sub" else offset
    if node.op == "BiasAdd" and bias is None:
        return  # already what it should be
    _become_bias_add(graph, node, contraction, _sum(bias, offset), values.dtype)


def _fold_mul(graph: Graph, node: NodeDef) -> None:
    found = graph.split_constant(node)
    target = found and _contraction_before(graph, found[0])
    if not found or not target:
        return
    contraction, bias, channels = target
    scale = _per_channel(found[1], channels)
    if scale is None or not _scalable(graph, contraction):
        return
    weights = _scaled_weights(graph, contraction, scale)
    inputs = [contraction.input[0], weights]
    if bias is None:
        graph.replace(node, contraction.op, inputs, attrs_of=contraction)
        return
    graph.set_inputs(contraction, inputs)
    _become_bias_add(graph, node, contraction, bias * scale, found[1].dtype)


def _fold_batch_norm(graph: Graph, node: NodeDef) -> None:
    target = _contraction_before(graph, node.input[0])
    constants = [name for name in node.input[1:] if not name.startswith("^")]
    if target is None or node.attr["is_training"].b or not all(map(graph.is_constant, constants)):
        return
    contraction, bias, channels = target
    gamma, beta, mean, variance = (graph.values(name).astype(np.float64) for name in constants)
    scale = gamma / np.sqrt(variance + node.attr["epsilon"].f)
    if scale.shape != (channels,) or not _scalable(graph, contraction):
        return
    offset = beta - mean * scale + (0.0 if bias is None else bias * scale)
    weights = _scaled_weights(graph, contraction, scale)
    graph.set_inputs(contraction, [contraction.input[0], weights])
    _become_bias_add(graph, node, contraction, offset, graph.values(weights).dtype)


def _contraction_before(graph: Graph, tensor: str) -> tuple[NodeDef, Values | None, int] | None:
    """The contraction behind ``tensor``, the bias between (float64 [channels]) and its channels;
    only where nothing else uses what is in between."""
    node, bias = graph.producer(tensor), None
    if not graph.used_once(node):
        return None
    if node.op == "BiasAdd" and graph.is_constant(node.input[1]):
        bias = graph.values(node.input[1]).astype(np.float64)
        node = graph.producer(node.input[0])
        if not graph.used_once(node):
            return None
    channels = channels_of(graph, node)
    return None if channels is None else (node, bias, channels)


def _per_channel(values: Values, channels: int) -> Values | None:
    """A constant that varies along the last axis only, as float64 [channels]; else ``None``."""
    if values.size not in (1, channels) or values.shape[-1:] not in ((), (1,), (channels,)):
        return None
    if values.ndim > 4 or not np.issubdtype(values.dtype, np.floating):
        return None
    return np.broadcast_to(values.reshape(-1).astype(np.float64), (channels,))


def _scalable(graph: Graph, contraction: NodeDef) -> bool:
    """Weights that something else uses too stay: a second copy would cost more than a Mul."""
    return graph.used_once(graph.producer(contraction.input[1]))


def _scaled_weights(graph: Graph, contraction: NodeDef, scale: Values) -> str:
    name = contraction.input[1]
    weights = graph.values(name)
    if contraction.op == "DepthwiseConv2dNative":
        factor = scale.reshape(weights.shape[2:])
    else:
        factor = scale[:, None] if _turned(contraction) else scale
    scaled = (weights * factor).astype(weights.dtype)
    return graph.add_constant(f"{node_of(name)}/folded", scaled)


def _become_bias_add(
    graph: Graph, node: NodeDef, contraction: NodeDef, bias: Values, dtype: np.dtype[np.generic]
) -> None:
    name = graph.add_constant(f"{node.name}/bias", bias.astype(dtype))
    dtype_number = contraction.attr["T"].type
    node.attr.clear()
    node.attr["T"].type = dtype_number
    node.attr["data_format"].s = b"NHWC"
    graph.replace(node, "BiasAdd", [contraction.name, name], attrs_of=node)


def _sum(bias: Values | None, offset: Values) -> Values:
    return offset if bias is None else bias + offset

"""Patterns of several ops that TF.js has as one: Prelu, and a contraction with bias and activation.

TensorFlow writes PReLU as relu(x) + (-alpha) * relu(-x); TF.js has ``Prelu``. Its
``_FusedConv2D``, ``FusedDepthwiseConv2dNative`` and ``_FusedMatMul`` take the activations of
``applyActivation`` (tfjs-core 4.22, ops/fused_util.ts).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgewright_converters.tfjs_graph.fold import channels_of
from edgewright_converters.tfjs_graph.graph import Graph

if TYPE_CHECKING:
    from tensorflow.core.framework.node_def_pb2 import NodeDef

FUSED = {
    "Conv2D": "_FusedConv2D",
    "DepthwiseConv2dNative": "FusedDepthwiseConv2dNative",
    "MatMul": "_FusedMatMul",
}
ACTIVATIONS = frozenset({"Relu", "Relu6", "Elu", "LeakyRelu", "Prelu", "Sigmoid"})


def fuse(graph: Graph) -> None:
    for node in graph:
        if node.op in ("Add", "AddV2"):
            _fuse_prelu(graph, node)
    for node in graph:
        if node.op in ACTIVATIONS:
            _fuse_contraction(graph, node)
    for node in graph:
        if node.op == "BiasAdd":
            _fuse_contraction(graph, node)


def _fuse_prelu(graph: Graph, node: NodeDef) -> None:
    for positive, scaled in (node.input, reversed(node.input)):
        relu, mul = graph.producer(positive), graph.producer(scaled)
        if relu.op != "Relu" or mul.op != "Mul" or not graph.used_once(mul):
            continue
        found = graph.split_constant(mul)
        source = found and _source_of_negative_relu(graph, found[0])
        if found and source and source == relu.input[0] and graph.used_once(relu):
            alpha = graph.add_constant(f"{node.name}/alpha", -found[1])
            graph.replace(node, "Prelu", [source, alpha], attrs_of=node)
            return


def _source_of_negative_relu(graph: Graph, tensor: str) -> str | None:
    """x of relu(-x), where nothing else uses it."""
    relu = graph.producer(tensor)
    if relu.op != "Relu" or not graph.used_once(relu):
        return None
    negative = graph.producer(relu.input[0])
    return str(negative.input[0]) if negative.op == "Neg" and graph.used_once(negative) else None


def _fuse_contraction(graph: Graph, last: NodeDef) -> None:
    """``last`` is the activation, or a BiasAdd that no activation follows."""
    activation = last if last.op in ACTIVATIONS else None
    before = graph.producer(last.input[0]) if activation else last
    bias = before if before.op == "BiasAdd" else None
    contraction = graph.producer(before.input[0]) if bias else before
    between = [n for n in (bias, contraction) if n is not None and n is not last]
    if contraction.op not in FUSED or not all(map(graph.used_once, between)):
        return
    if any(name.startswith("^") for n in (last, *between) for name in n.input):
        return
    if activation and not _activation_fits(graph, contraction, bias, activation):
        return
    extra = [bias.input[1]] if bias else []
    words = [b"BiasAdd" if bias else b"NoOp"]
    alpha = 0.0
    if activation:
        words.append(activation.op.encode())
        alpha = activation.attr["alpha"].f
        extra += [activation.input[1]] if activation.op == "Prelu" else []
    inputs = [*contraction.input, *extra]
    graph.replace(last, FUSED[contraction.op], inputs, attrs_of=contraction)
    last.attr["fused_ops"].list.s.extend(words)
    last.attr["num_args"].i = len(extra)
    if words[-1] == b"LeakyRelu":
        last.attr["leakyrelu_alpha"].f = alpha


def _activation_fits(
    graph: Graph, contraction: NodeDef, bias: NodeDef | None, activation: NodeDef
) -> bool:
    """A fused Prelu needs the bias (TF.js reads its arguments by position) and one alpha per
    channel; backends differ in what else they broadcast. TF.js does not read the slope of a
    LeakyRelu in a depthwise convolution (tfjs-converter, op_list/convolution.ts)."""
    if activation.op == "LeakyRelu":
        return bool(contraction.op != "DepthwiseConv2dNative")
    if activation.op != "Prelu":
        return True
    if bias is None or not graph.is_constant(activation.input[1]):
        return False
    alpha = graph.values(activation.input[1])
    channels = channels_of(graph, contraction)
    return alpha.ndim > 0 and channels == alpha.size == alpha.shape[-1]

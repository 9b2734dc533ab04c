"""A TF.js folder, run in TensorFlow: what was written is verified as a graph, not in a browser.

The GraphDef is taken from ``model.json``, its constants from the shards as TF.js dequantizes
them. The fused ops of TF.js become the plain ones again (TensorFlow has kernels for some).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from edgewright_converters.tfjs_graph.fuse import FUSED
from edgewright_converters.tfjs_graph.graph import constant, copy_attrs
from edgewright_converters.tfjs_graph.read import Values, read_weights
from edgewright_converters.tfjs_graph.support import all_nodes
from edgewright_runtimes.errors import ArtifactError, BadInput
from edgewright_runtimes.tfjs_file import read_model_json

if TYPE_CHECKING:
    from tensorflow.core.framework.graph_pb2 import GraphDef
    from tensorflow.core.framework.node_def_pb2 import NodeDef

PLAIN = {fused: plain for plain, fused in FUSED.items()}
CONTRACTION_ATTRS = frozenset(
    [
        "T",
        "strides",
        "padding",
        "explicit_paddings",
        "data_format",
        "dilations",
        "transpose_a",
        "transpose_b",
    ]
)
Run = Callable[[Mapping[str, Values]], dict[str, Values]]


def rebuild(folder: Path) -> Run:
    """A function from feeds by signature name to outputs by signature name.

    Raises ``BadInput`` for a folder that is not a graph model, ``ArtifactError`` where TensorFlow
    refuses the graph.
    """
    import tensorflow as tf
    from google.protobuf.json_format import (  # type: ignore[import-untyped]
        ParseDict,
        ParseError,
    )
    from tensorflow.core.framework.graph_pb2 import GraphDef

    model = read_model_json(folder / "model.json")
    weights = read_weights(folder, model)
    signature = _signature(model, folder)
    try:
        graph_def = ParseDict(model["modelTopology"], GraphDef())
    except ParseError as e:
        raise BadInput(f"{folder}: modelTopology is not a graph ({e})") from e
    _fill_constants(graph_def, weights, folder)
    graph_def = _expand(graph_def)
    inputs, outputs = signature["inputs"], signature["outputs"]

    graph = tf.Graph()
    try:
        with graph.as_default():
            tf.graph_util.import_graph_def(graph_def, name="")
        fed = {name: graph.get_tensor_by_name(info["name"]) for name, info in inputs.items()}
        fetched = {name: graph.get_tensor_by_name(info["name"]) for name, info in outputs.items()}
    except (KeyError, TypeError, ValueError, tf.errors.OpError) as e:
        raise ArtifactError(f"{folder}: TensorFlow refuses the graph ({e})") from e

    def run(feeds: Mapping[str, Values]) -> dict[str, Values]:
        if set(feeds) != set(inputs):
            raise BadInput(f"inputs {sorted(feeds)} given; the model takes {sorted(inputs)}")
        given = {
            tensor: np.asarray(feeds[name]).astype(tensor.dtype.as_numpy_dtype)
            for name, tensor in fed.items()
        }
        with tf.compat.v1.Session(graph=graph) as session:
            results: dict[str, Values] = session.run(fetched, given)
        return results

    return run


def _signature(model: Mapping[str, Any], folder: Path) -> dict[str, dict[str, dict[str, str]]]:
    signature = model.get("signature")
    if not isinstance(signature, dict) or not signature.get("outputs"):
        raise BadInput(f"{folder}: model.json has no signature with outputs")
    return {"inputs": signature.get("inputs", {}), "outputs": signature["outputs"]}


def _fill_constants(graph_def: GraphDef, weights: Mapping[str, Values], folder: Path) -> None:
    from tensorflow.python.framework import dtypes

    for node in all_nodes(graph_def):
        if node.op != "Const":
            continue
        if node.name not in weights:
            raise BadInput(f"{folder}: constant {node.name!r} is not in the weights manifest")
        dtype = dtypes.as_dtype(node.attr["dtype"].type).as_numpy_dtype
        node.CopyFrom(constant(node.name, weights[node.name].astype(dtype)))


def _expand(graph_def: GraphDef) -> GraphDef:
    result = type(graph_def)()
    result.versions.CopyFrom(graph_def.versions)
    result.library.CopyFrom(graph_def.library)
    for node in graph_def.node:
        result.node.extend(_plain(node) if node.op in PLAIN or node.op == "Prelu" else [node])
    return result


def _plain(node: NodeDef) -> list[NodeDef]:
    """One node as the chain it stands for; the last has its name."""
    if node.op == "Prelu":
        return _prelu(node.name, node.input[0], node.input[1], node.attr["T"])
    words = [word.decode() for word in node.attr["fused_ops"].list.s if word != b"NoOp"]
    operands = [name for name in node.input if not name.startswith("^")]
    first, extra = operands[:2], operands[2:]
    names = [f"{node.name}/{i}" for i in range(len(words))] + [node.name]
    chain = [_node(names[0], PLAIN[node.op], first, node)]
    for name, before, word in zip(names[1:], names[:-1], words, strict=True):
        if word == "Prelu":
            chain += _prelu(name, before, extra.pop(0), node.attr["T"])
            continue
        inputs = [before, extra.pop(0)] if word == "BiasAdd" else [before]
        step = _node(name, word, inputs)
        step.attr["T"].CopyFrom(node.attr["T"])
        if word == "LeakyRelu":
            step.attr["alpha"].f = node.attr["leakyrelu_alpha"].f
        chain.append(step)
    return chain


def _prelu(name: str, x: str, alpha: str, dtype: Any) -> list[NodeDef]:
    """max(x, 0) + alpha * min(x, 0), by what TensorFlow has."""
    zero = _node(f"{name}/zero", "ZerosLike", [x])
    negative = _node(f"{name}/negative", "Minimum", [x, zero.name])
    scaled = _node(f"{name}/scaled", "Mul", [alpha, negative.name])
    positive = _node(f"{name}/positive", "Relu", [x])
    total = _node(name, "AddV2", [positive.name, scaled.name])
    nodes = [zero, negative, scaled, positive, total]
    for node in nodes:
        node.attr["T"].CopyFrom(dtype)
    return nodes


def _node(name: str, op: str, inputs: list[str], attrs_of: NodeDef | None = None) -> NodeDef:
    from tensorflow.core.framework.node_def_pb2 import NodeDef

    node = NodeDef(name=name, op=op, input=inputs)
    if attrs_of is not None:
        copy_attrs(attrs_of, node)
        for key in set(node.attr) - CONTRACTION_ATTRS:
            del node.attr[key]
    return node

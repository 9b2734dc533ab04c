"""Grouped convolutions, which TF.js does not have, as one convolution for each group.

TensorFlow's ``Conv2D`` is grouped where its weights take fewer channels than it is given: group g
has the g-th part of the input's channels and of the filters. TF.js 4.22 asserts that the two
numbers of channels are equal (tfjs-core, ops/conv2d.ts).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edgewright_converters.tfjs_graph.fold import channels_of
from edgewright_converters.tfjs_graph.graph import Graph, node_of

if TYPE_CHECKING:
    from tensorflow.core.framework.node_def_pb2 import NodeDef

_SHAPES = 1024  # bytes: constants up to here may be shapes, larger ones are weights


def split_groups(graph: Graph) -> None:
    """Comes after the folding, which needs the convolution whole, and before the fusing."""
    convolutions = [n for n in graph if n.op == "Conv2D" and channels_of(graph, n) is not None]
    given = _channels_given(graph, convolutions) if convolutions else {}
    for node in convolutions:
        taken = graph.values(node.input[1]).shape[2]
        groups = given.get(node.name, taken) // taken
        if groups > 1:
            _split(graph, node, groups)


def _channels_given(graph: Graph, convolutions: list[NodeDef]) -> dict[str, int]:
    """The last dimension of each convolution's input, where TensorFlow can tell it."""
    import tensorflow as tf

    skeleton = graph.to_graph_def()
    for node in skeleton.node:
        if node.op == "Const" and node.attr["value"].tensor.ByteSize() > _SHAPES:
            _empty(node)
    with tf.Graph().as_default() as shaped:
        tf.graph_util.import_graph_def(skeleton, name="")
    inputs = {node.name: shaped.get_operation_by_name(node.name).inputs[0] for node in convolutions}
    return {
        name: int(tensor.shape[-1])
        for name, tensor in inputs.items()
        if tensor.shape.rank is not None and tensor.shape[-1] is not None
    }


def _empty(node: NodeDef) -> None:
    """A placeholder of the constant's shape, which is all that is asked of it here."""
    shape, dtype = node.attr["value"].tensor.tensor_shape, node.attr["dtype"].type
    node.op = "Placeholder"
    node.attr["shape"].shape.CopyFrom(shape)
    del node.attr["value"]
    node.attr["dtype"].type = dtype


def _split(graph: Graph, node: NodeDef, groups: int) -> None:
    from tensorflow.core.framework.node_def_pb2 import NodeDef

    dtype = node.attr["T"].type
    like = NodeDef()
    like.attr["T"].type = dtype
    like.attr["num_split"].i = groups
    axis = graph.add_constant(f"{node.name}/axis", np.array(3, np.int32))
    parts = graph.add_node(f"{node.name}/split", "Split", [axis, node.input[0]], attrs_of=like)
    filters = np.split(graph.values(node.input[1]), groups, axis=-1)
    convolved = []
    for n, values in enumerate(filters):
        weights = graph.add_constant(f"{node_of(node.input[1])}/group", values)
        part = f"{parts}:{n}" if n else parts
        name = f"{node.name}/group"
        convolved.append(graph.add_node(name, "Conv2D", [part, weights], attrs_of=node))
    joined = NodeDef()
    joined.attr["T"].type = dtype
    joined.attr["N"].i = groups
    joined.attr["Tidx"].type = graph.producer(axis).attr["dtype"].type
    graph.replace(node, "ConcatV2", [*convolved, axis], attrs_of=joined)

"""Grouped convolutions, which TF.js does not have, as one convolution for each group.

TensorFlow's ``Conv2D`` is grouped where its weights take fewer channels than it is given: group g
has the g-th part of the input's channels and of the filters. TF.js 4.22 asserts that the two
numbers of channels are equal (tfjs-core, ops/conv2d.ts).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edgewright_converters.tfjs_graph.fold import channels_of
from edgewright_converters.tfjs_graph.graph import Graph, attributes, node_of
from edgewright_converters.tfjs_graph.shapes import Shapes

if TYPE_CHECKING:
    from tensorflow.core.framework.node_def_pb2 import NodeDef


def split_groups(graph: Graph) -> None:
    """Comes after the folding, which needs the convolution whole, and before the fusing."""
    convolutions = [n for n in graph if n.op == "Conv2D" and channels_of(graph, n) is not None]
    shapes = Shapes(graph)
    for node in convolutions:
        taken = graph.values(node.input[1]).shape[2]
        given = (shapes.of(node.input[0]) or (None,))[-1]
        groups = (given or taken) // taken
        if groups > 1:
            _split(graph, node, groups)


def _split(graph: Graph, node: NodeDef, groups: int) -> None:
    dtype = node.attr["T"].type
    axis = graph.add_constant(f"{node.name}/axis", np.array(3, np.int32))
    like = attributes(T=dtype, num_split=groups)
    parts = graph.add_node(f"{node.name}/split", "Split", [axis, node.input[0]], like)
    filters = np.split(graph.values(node.input[1]), groups, axis=-1)
    convolved = []
    for n, values in enumerate(filters):
        weights = graph.add_constant(f"{node_of(node.input[1])}/group", values)
        part = f"{parts}:{n}" if n else parts
        name = f"{node.name}/group"
        convolved.append(graph.add_node(name, "Conv2D", [part, weights], attrs_of=node))
    joined = attributes(T=dtype, N=groups, Tidx=graph.producer(axis).attr["dtype"].type)
    graph.replace(node, "ConcatV2", [*convolved, axis], attrs_of=joined)

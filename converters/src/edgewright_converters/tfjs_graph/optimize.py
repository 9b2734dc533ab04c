"""From a frozen function to the graph that is written: every pass, in order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from edgewright_converters.tfjs_graph.fold import fold
from edgewright_converters.tfjs_graph.freeze import Edge, Frozen, simplify
from edgewright_converters.tfjs_graph.fuse import fuse
from edgewright_converters.tfjs_graph.graph import Graph, node_of
from edgewright_converters.tfjs_graph.groups import split_groups
from edgewright_converters.tfjs_graph.inline import tidy_library
from edgewright_converters.tfjs_graph.rewrite import rewrite

if TYPE_CHECKING:
    from tensorflow.core.framework.graph_pb2 import GraphDef
    from tensorflow.core.framework.node_def_pb2 import NodeDef


def optimize(frozen: Frozen) -> Frozen:
    """The same function with the ops, and the fusions, that TF.js has."""
    graph = Graph(simplify(frozen), frozen.keep)
    for step in (rewrite, fold, split_groups, fuse):
        step(graph)
    frozen = replace(frozen, outputs=_without_identities(graph.nodes, frozen))
    graph.keep = frozen.keep
    frozen = replace(frozen, graph_def=graph.to_graph_def())
    tidy_library(frozen.graph_def)
    _drop_private_attrs(frozen.graph_def)
    return frozen


def _without_identities(nodes: Mapping[str, NodeDef], frozen: Frozen) -> dict[str, Edge]:
    """Outputs read where they are made, not from an Identity after it.

    TF.js names an output by its node: two outputs of one node, a constant, or an input handed
    through need the Identity to be told apart.
    """
    taken = Counter(node_of(edge.tensor) for edge in frozen.inputs.values())
    sources = {}
    for name, edge in frozen.outputs.items():
        node = nodes[node_of(edge.tensor)]
        source = node.input[0] if node.op == "Identity" and len(node.input) == 1 else edge.tensor
        sources[name] = source if ":" not in source or source.endswith(":0") else edge.tensor
        taken[node_of(sources[name])] += 1
    return {
        name: replace(edge, tensor=f"{node_of(sources[name])}:0")
        if taken[node_of(sources[name])] == 1 and nodes[node_of(sources[name])].op != "Const"
        else edge
        for name, edge in frozen.outputs.items()
    }


def _drop_private_attrs(graph_def: GraphDef) -> None:
    """Hints for TensorFlow's own runtime: placements, inferred shapes, lowering."""
    holders = [graph_def.node, *(f.node_def for f in graph_def.library.function)]
    for node in (node for nodes in holders for node in nodes):
        node.ClearField("device")
        node.ClearField("experimental_debug_info")
        for key in [key for key in node.attr if key.startswith("_")]:
            del node.attr[key]
    for function in graph_def.library.function:
        function.attr.clear()
        function.arg_attr.clear()
        function.resource_arg_unique_id.clear()

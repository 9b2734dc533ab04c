"""Ops that TF.js does not have, in terms of those it has."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edgewright_converters.tfjs_graph.graph import Graph

if TYPE_CHECKING:
    from tensorflow.core.framework.node_def_pb2 import NodeDef

RENAMED = {"Inv": "Reciprocal", "Rint": "Round"}  # the same function; both round half to even


def rewrite(graph: Graph) -> None:
    for node in graph:
        if node.op in RENAMED:
            node.op = RENAMED[node.op]
        elif node.op == "Erfc":
            _erfc(graph, node)
        elif node.op == "Softsign":
            _softsign(graph, node)


def _erfc(graph: Graph, node: NodeDef) -> None:
    """erfc(x) = 1 - erf(x): the exact GELU. TF.js' own ``Erf`` is good to 1.5e-7
    (Abramowitz and Stegun 7.1.26), so the cancellation near 1 costs nothing more."""
    one = _one(graph, node)
    erf = graph.add_node(f"{node.name}/erf", "Erf", [node.input[0]], attrs_of=node)
    graph.replace(node, "Sub", [one, erf], attrs_of=node)


def _softsign(graph: Graph, node: NodeDef) -> None:
    """softsign(x) = x / (1 + |x|)."""
    x, one = node.input[0], _one(graph, node)
    size = graph.add_node(f"{node.name}/abs", "Abs", [x], attrs_of=node)
    total = graph.add_node(f"{node.name}/add", "AddV2", [one, size], attrs_of=node)
    graph.replace(node, "RealDiv", [x, total], attrs_of=node)


def _one(graph: Graph, node: NodeDef) -> str:
    from tensorflow.python.framework import dtypes

    dtype = dtypes.as_dtype(node.attr["T"].type).as_numpy_dtype
    return graph.add_constant(f"{node.name}/one", np.ones((), dtype))

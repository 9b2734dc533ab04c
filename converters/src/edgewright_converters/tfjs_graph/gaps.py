"""Nodes that a backend of TF.js 4.22 does not run, or answers wrongly, and why.

A kernel that is missing fails with "Kernel 'Einsum' not registered for backend 'wasm'" at the
first call. Worse are ops that are called supported and give other numbers than TensorFlow: those
are in ``wrong``. What neither list knows shows when the goldens are run in a browser.
"""

from __future__ import annotations

from collections.abc import Iterable

from edgewright_converters.tfjs_graph.kernels import (
    BACKENDS,
    graph_ops,
    missing_kernels,
    tfjs_version,
)
from edgewright_converters.tfjs_graph.node_view import Constants, Gap, GraphNode
from edgewright_converters.tfjs_graph.wrong import RULES


def find_gaps(nodes: Iterable[GraphNode], constants: Constants) -> tuple[Gap, ...]:
    """Every node that is not run, or not rightly, on every backend."""
    return tuple(gap for node in nodes for gap in _gaps_of(node, constants))


def why_not(gaps: Iterable[Gap]) -> dict[str, str]:
    """For each backend what is in its way, each reason once; empty where it runs the graph."""
    reasons: dict[str, dict[str, None]] = {backend: {} for backend in BACKENDS}
    for gap in gaps:
        for backend in gap.backends:
            reasons[backend][gap.why] = None
    return {backend: "; ".join(why) for backend, why in reasons.items()}


def _gaps_of(node: GraphNode, constants: Constants) -> Iterable[Gap]:
    if node.op not in graph_ops():
        why = f"TF.js {tfjs_version()} has no op {node.op}"
        yield Gap(node=node.name, op=node.op, backends=BACKENDS, why=why)
        return
    for backend, kernels in missing_kernels(node.op).items():
        what = node.op if kernels == (node.op,) else f"{node.op} ({', '.join(kernels)})"
        why = f"no kernel for op {what}"
        yield Gap(node=node.name, op=node.op, backends=(backend,), why=why)
    for rule in RULES.get(node.op, ()):
        gap = rule(node, constants)
        if gap is not None:
            yield gap

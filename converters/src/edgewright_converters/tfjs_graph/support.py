"""What TF.js can not run, said before it is written: the op, the layer, and who does take it.

An op that TF.js does not know is refused; so is a graph that none of its backends runs. What some
run is written, and said. ``other_formats.json`` was tried op by op: it tells who does take an op
that is not there; ops it does not name may or may not go into the other formats.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from edgewright_converters.errors import ConversionError
from edgewright_converters.op_names import CALLS, INSTEAD_OF_XLA
from edgewright_converters.tfjs_graph.gaps import find_gaps, why_not
from edgewright_converters.tfjs_graph.graph import constant_values, node_of
from edgewright_converters.tfjs_graph.kernels import graph_ops, tfjs_version
from edgewright_converters.tfjs_graph.node_view import Gap, GraphNode

if TYPE_CHECKING:
    from tensorflow.core.framework.graph_pb2 import GraphDef
    from tensorflow.core.framework.node_def_pb2 import NodeDef

_INTEGERS = (3, 9)  # types.proto: int32, int64
_TABLES = re.compile(r"LookupTable|HashTable|InitializeTable|Regex|^String|^Unicode")
_WRAPPERS = re.compile(r"^(StatefulPartitionedCall|PartitionedCall|functional|model)(_\d+)*$")


@cache
def other_formats() -> dict[str, list[str]]:
    text = files("edgewright_converters.tfjs_graph").joinpath("other_formats.json").read_text()
    found: dict[str, list[str]] = json.loads(text)["formats"]
    return found


def refuse_text(graph_def: GraphDef, layers: Collection[str]) -> None:
    """Text and lookup tables do not survive freezing: say so before it fails with something else.

    Raises ``ConversionError``.
    """
    from tensorflow.core.framework.types_pb2 import DT_STRING

    for node in all_nodes(graph_def):
        text = node.op == "Placeholder" and node.attr["dtype"].type == DT_STRING
        if text or _TABLES.search(node.op):
            raise ConversionError(
                "a TF.js graph model takes no text and no lookup tables: "
                + ("an input is text" if text else _where(node, layers)),
                hint="look the words up in the app and give the model their numbers",
            )


def check_ops(graph_def: GraphDef, layers: Collection[str]) -> None:
    """Raise ``ConversionError`` for the first op that TF.js lacks; the others are counted."""
    lacking = [node for node in all_nodes(graph_def) if node.op not in graph_ops()]
    if not lacking:
        return
    others = sorted({node.op for node in lacking} - {lacking[0].op})
    if lacking[0].op in CALLS:
        raise ConversionError(
            f"TF.js has no calls that XLA compiles: {_where(lacking[0], layers)}",
            hint=INSTEAD_OF_XLA,
        )
    also = f" (also {', '.join(others)})" if others else ""
    formats = other_formats().get(lacking[0].op)
    raise ConversionError(
        f"TF.js {tfjs_version()} lacks {_where(lacking[0], layers)}{also}",
        hint=_taken_by(formats),
    )


def gaps_of(graph_def: GraphDef) -> tuple[Gap, ...]:
    """The nodes that not every backend runs. Asked while the constants are still there."""
    constants = {node.name: node for node in all_nodes(graph_def) if node.op == "Const"}
    return find_gaps(map(_graph_node, all_nodes(graph_def)), _Constants(constants))


class _Constants:
    """The constants of a GraphDef, for the rules of ``wrong``."""

    def __init__(self, nodes: Mapping[str, NodeDef]) -> None:
        self._nodes = nodes

    def integers(self, tensor: str) -> tuple[int, ...] | None:
        node = self._nodes.get(node_of(tensor))
        if node is None or node.attr["dtype"].type not in _INTEGERS:
            return None
        return tuple(constant_values(node).ravel().tolist())

    def shape(self, tensor: str) -> tuple[int, ...] | None:
        node = self._nodes.get(node_of(tensor))
        if node is None:
            return None
        return tuple(d.size for d in node.attr["value"].tensor.tensor_shape.dim)


def _graph_node(node: NodeDef) -> GraphNode:
    words: dict[str, tuple[str, ...]] = {}
    numbers: dict[str, tuple[int, ...]] = {}
    for name, value in node.attr.items():
        kind = value.WhichOneof("value")
        if kind == "list":
            words[name] = tuple(word.decode("utf-8", "replace") for word in value.list.s)
            numbers[name] = tuple(value.list.i)
        elif kind == "s":
            words[name] = (value.s.decode("utf-8", "replace"),)
        elif kind in ("b", "i", "type"):
            numbers[name] = (int(getattr(value, kind)),)
    inputs = tuple(name for name in node.input if not name.startswith("^"))
    return GraphNode(name=node.name, op=node.op, inputs=inputs, words=words, numbers=numbers)


def refuse_what_no_backend_runs(gaps: Collection[Gap], layers: Collection[str]) -> None:
    """Raise ``ConversionError`` where every backend has a node that it does not run."""
    reasons = why_not(gaps)
    if not gaps or not all(reasons.values()):
        return
    worst = max(gaps, key=lambda gap: len(gap.backends))
    raise ConversionError(
        f"no backend of TF.js {tfjs_version()} runs the graph: {worst.why}"
        f" of layer {layer_of(worst.node, layers)!r} (node {worst.node})",
        hint=worst.hint,
    )


def runtimes_of(gaps: Collection[Gap]) -> dict[str, str]:
    """The web runtimes of the format, each with what it can't run, or nothing."""
    return {f"tfjs-{backend}": why for backend, why in why_not(gaps).items()}


def gap_warnings(gaps: Collection[Gap], layers: Collection[str]) -> tuple[str, ...]:
    """One line for each reason: what does not run the artifact, where it is from, what does."""
    told: dict[str, str] = {}
    runs = [backend for backend, why in why_not(gaps).items() if not why]
    for gap in gaps:
        where = f"layer {layer_of(gap.node, layers)!r}"
        told.setdefault(
            gap.why,
            f"not on TF.js' {' and '.join(gap.backends)}: {gap.why} of {where};"
            f" {', '.join(runs)} run{'s' if len(runs) == 1 else ''} it",
        )
    return tuple(told.values())


def needs_async(graph_def: GraphDef) -> bool:
    """Loops and branches run under ``executeAsync`` only."""
    return any(node.op in ("While", "StatelessWhile", "If", "StatelessIf")
               for node in all_nodes(graph_def))  # fmt: skip


def all_nodes(graph_def: GraphDef) -> Iterator[NodeDef]:
    yield from graph_def.node
    for function in graph_def.library.function:
        yield from function.node_def


def layer_of(node_name: str, layers: Collection[str]) -> str:
    """The source's layer behind a node: ``functional_1/gelu_1/Erfc`` came from ``gelu_1``.

    Keras numbers a scope anew for each call of a layer, so ``gelu_1`` may be layer ``gelu``.
    """
    scopes = [part for part in node_name.split("/")[:-1] if not _WRAPPERS.match(part)]
    for scope in reversed(scopes):
        for name in (scope, re.sub(r"_\d+$", "", scope)):
            if name in layers:
                return name
    return scopes[0] if scopes else node_name


def _where(node: NodeDef, layers: Collection[str]) -> str:
    return f"op {node.op} of layer {layer_of(node.name, layers)!r} (node {node.name})"


def _taken_by(formats: list[str] | None) -> str:
    if formats is None:
        return "try --formats tflite,onnx"
    if not formats:
        return "neither tflite nor onnx takes it: replace the op in the model"
    return f"{' and '.join(formats)} take{'s' if len(formats) == 1 else ''} it"

"""The bodies of loops and branches, without what only TensorFlow needs of them.

TF.js runs functions of the library by name (control flow v2, ``executeAsync``). It looks their
constants up by name among *all* weights, so those get the function's name in front; it knows no
``NoOp`` and no order besides data, so control edges go.

An ``Identity`` is worse than work for nothing there. When a body ends, TF.js disposes of every
tensor that the body does not return, those kept in a TensorList too; whether the list's item is
the returned tensor or was cloned from it by the Identity depends on the order in which it happens
to run the two (stacked LSTMs with ``return_sequences`` fail so: "Cannot read properties of
undefined (reading 'backend')"). Returning the tensor itself leaves no choice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgewright_converters.tfjs_graph.graph import node_of

if TYPE_CHECKING:
    from tensorflow.core.framework.function_pb2 import FunctionDef
    from tensorflow.core.framework.graph_pb2 import GraphDef


def tidy_library(graph_def: GraphDef) -> None:
    """Drop functions no one calls, and trim the others, in place."""
    used = _reachable(graph_def)
    functions = [f for f in graph_def.library.function if f.signature.name in used]
    for function in functions:
        _trim(function)
        _name_constants(function)
    library = type(graph_def.library)()
    library.function.extend(functions)
    graph_def.library.CopyFrom(library)


def _reachable(graph_def: GraphDef) -> set[str]:
    bodies = {f.signature.name: f.node_def for f in graph_def.library.function}
    used: set[str] = set()
    waiting = [graph_def.node]
    while waiting:
        for node in waiting.pop():
            called = {a.func.name for a in node.attr.values() if a.HasField("func")}
            called |= {f.name for a in node.attr.values() for f in a.list.func}
            waiting += [bodies[name] for name in called - used if name in bodies]
            used |= called
    return used


def _trim(function: FunctionDef) -> None:
    for node in function.node_def:
        node.input[:] = [name for name in node.input if not name.startswith("^")]
    through = {
        f"{node.name}:output:0": node.input[0]
        for node in function.node_def
        if node.op == "Identity"
    }

    def source(tensor: str) -> str:
        while tensor in through:
            tensor = through[tensor]
        return tensor

    for node in function.node_def:
        node.input[:] = [source(name) for name in node.input]
    ops = {node.name: node.op for node in function.node_def}
    for key, tensor in list(function.ret.items()):  # a map that changes may skip entries
        straight = source(tensor)
        if straight.endswith(":0") and ops.get(node_of(straight), "Const") != "Const":
            function.ret[key] = straight
    _drop_idle(function)
    function.control_ret.clear()
    del function.signature.control_output[:]


def _drop_idle(function: FunctionDef) -> None:
    by_name = {node.name: node for node in function.node_def}
    waiting = [node_of(tensor) for tensor in function.ret.values()]
    needed: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name in by_name and name not in needed:
            needed.add(name)
            waiting += [node_of(tensor) for tensor in by_name[name].input]
    kept = [node for node in function.node_def if node.name in needed]
    del function.node_def[:]
    function.node_def.extend(kept)


def _name_constants(function: FunctionDef) -> None:
    prefix = function.signature.name
    renamed = {n.name: f"{prefix}/{n.name}" for n in function.node_def if n.op == "Const"}

    def moved(tensor: str) -> str:
        name, colon, rest = tensor.partition(":")
        return f"{renamed.get(name, name)}{colon}{rest}"

    for node in function.node_def:
        node.name = renamed.get(node.name, node.name)
        node.input[:] = [moved(name) for name in node.input]
    for key, tensor in list(function.ret.items()):  # a map that changes may skip entries
        function.ret[key] = moved(tensor)

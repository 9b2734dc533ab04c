"""A traced function's name by its content: the same code and weights, the same hash.

A SavedModel's own bytes are never the same twice, for TensorFlow numbers what it traces. It does
not know the content of lookup tables: a function that holds one has no hash.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

# They carry numbers of the process, and decide nothing.
_NUMBERED = ("_gradient_op_type", "_user_specified_name")


def function_sha256(function: Any) -> str | None:
    """Of a concrete function: its graph, its variables' values, its captured constants."""
    digest = hashlib.sha256()
    graph = function.graph.as_graph_def()
    held = {id(variable.handle): variable for variable in function.graph.variables}
    place = {node.name: number for number, node in enumerate(graph.node)}
    # in the order of the graph: the captures' own differs from process to process
    for captured, inside in sorted(function.graph.captures, key=lambda c: place[c[1].op.name]):
        if str(captured.dtype.name) == "resource":
            captured = held.get(id(captured))
            if captured is None:
                return None
        _add_array(digest, captured.numpy())
        digest.update(f"{place[inside.op.name]}\n".encode())
    for part in _parts(graph):
        digest.update(part)
    structure = (function.structured_input_signature, sorted(function.structured_outputs))
    digest.update(repr(structure).encode())
    return digest.hexdigest()


def _add_array(digest: Any, array: Any) -> None:
    digest.update(f"{array.dtype} {array.shape}\n".encode())
    # an array of texts holds pointers
    digest.update(repr(array.tolist()).encode() if array.dtype.hasobject else array.tobytes())


def _parts(graph: Any) -> Iterator[bytes]:
    """Its nodes, then each function in the order of its first use; names are places in a list."""
    library = {function.signature.name: function for function in graph.library.function}
    order: dict[str, str] = {}
    _rename(graph.node, library, order)
    _renumber(graph.node, [])
    yield from (node.SerializeToString(deterministic=True) for node in graph.node)
    done = 0
    while done < len(order):  # renaming one function's nodes may find more functions
        function = library[list(order)[done]]
        signature = function.signature
        _rename(function.node_def, library, order)
        names = _renumber(function.node_def, [a.name for a in signature.input_arg])
        yield from (node.SerializeToString(deterministic=True) for node in function.node_def)
        yield repr(
            [_renumbered(function.ret[a.name], names) for a in signature.output_arg]
        ).encode()
        done += 1


def _rename(nodes: Iterable[Any], library: dict[str, Any], order: dict[str, str]) -> None:
    for node in nodes:
        if node.op in library:
            node.op = order.setdefault(node.op, f"function {len(order)}")
        for name in _NUMBERED:
            if name in node.attr:
                del node.attr[name]
        for key in sorted(node.attr):
            value = node.attr[key]
            for called in (value.func, *value.list.func):
                if called.name in library:
                    called.name = order.setdefault(called.name, f"function {len(order)}")


def _renumber(nodes: Sequence[Any], arguments: Sequence[str]) -> dict[str, str]:
    """Captured tensors are named by the numbers that TensorFlow gave their functions."""
    every = [*arguments, *(node.name for node in nodes)]
    names = {name: str(place) for place, name in enumerate(every)}
    for node in nodes:
        node.name = names[node.name]
        node.input[:] = [_renumbered(text, names) for text in node.input]
    return names


def _renumbered(text: str, names: Mapping[str, str]) -> str:
    control, name = ("^", text[1:]) if text.startswith("^") else ("", text)
    name, colon, output = name.partition(":")
    return f"{control}{names[name]}{colon}{output}"

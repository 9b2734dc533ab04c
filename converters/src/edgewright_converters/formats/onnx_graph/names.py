"""Short names in an ONNX file: written out, they are most of a small int8 model.

TensorFlow names a tensor by the path of calls and scopes to it, and the quantizer makes five of
each. Nobody asks for them: an app knows the edges, a profile the operations, a reader the weights.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

_CALLS = re.compile(r"^(?:(?:Stateful)?PartitionedCall(?:_\d+)?/)+")
_PAIR = ("QuantizeLinear", "DequantizeLinear")


def shorten(model: Any) -> None:
    """Number what passes between operations; take the calls off the names of the others.

    The edges keep theirs. A name means the same tensor in a loop's body as outside of it, so one
    table serves all graphs. Shapes noted on the way go too: runtimes infer them.
    """
    edges = {value.name for value in (*model.graph.input, *model.graph.output)}
    table = _table(model.graph, taken=edges | {""})
    for graph in _graphs(model.graph):
        graph.ClearField("value_info")
        graph.ClearField("quantization_annotation")
        for tensor in (*graph.initializer, *graph.input, *graph.output):
            tensor.name = table.get(tensor.name, tensor.name)
        for node in graph.node:
            node.name = "" if node.op_type in _PAIR else _CALLS.sub("", node.name)
            node.input[:] = [table.get(name, name) for name in node.input]
            node.output[:] = [table.get(name, name) for name in node.output]


def _table(graph: Any, taken: set[str]) -> dict[str, str]:
    """Old names to new ones, each new name once."""
    used, table = set(taken), dict.fromkeys(taken, "")
    for name, stored in _names(graph):
        if name in table:
            continue
        wanted = _CALLS.sub("", name) if stored else format(len(table), "x")
        new, n = wanted, 1
        while new in used:
            new, n = f"{wanted}_{n}", n + 1
        used.add(new)
        table[name] = new
    return {old: new for old, new in table.items() if old not in taken}


def _names(graph: Any) -> Iterator[tuple[str, bool]]:
    """Every name of a tensor, and whether it is a stored one's."""
    for each in _graphs(graph):
        yield from ((tensor.name, True) for tensor in each.initializer)
    for each in _graphs(graph):
        yield from ((value.name, False) for value in (*each.input, *each.output))
        yield from ((n, False) for node in each.node for n in (*node.input, *node.output))


def _graphs(graph: Any) -> Iterator[Any]:
    """The graph and those of its loops and branches."""
    yield graph
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("g"):
                yield from _graphs(attribute.g)
            for inner in attribute.graphs:
                yield from _graphs(inner)

"""Which backends of TF.js run a graph model, whoever wrote it: the rules are the writer's own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from edgewright.inspection.tfjs_json import (
    JsonObject,
    as_bytes_text,
    as_int,
    as_list,
    as_object,
    as_text,
)
from edgewright.inspection.tfjs_weights import Weight, read_integers
from edgewright.targets.web.runtimes import takers
from edgewright_converters.tfjs_graph.gaps import find_gaps, why_not
from edgewright_converters.tfjs_graph.node_view import GraphNode

# types.proto, as far as rules ask
_TYPES = {
    "DT_FLOAT": 1, "DT_DOUBLE": 2, "DT_INT32": 3, "DT_UINT8": 4, "DT_INT16": 5, "DT_INT8": 6,
    "DT_STRING": 7, "DT_COMPLEX64": 8, "DT_INT64": 9, "DT_BOOL": 10, "DT_HALF": 19,
}  # fmt: skip
_LAYERS = "a layers model, which no page here runs: convert it to a graph model"


def web_runtimes(folder: Path, topology: JsonObject, weights: Sequence[Weight]) -> dict[str, str]:
    """For each web runtime of the format what it can't run of the graph, or nothing."""
    if "node" not in topology:
        return dict.fromkeys(takers("tfjs"), _LAYERS)
    reasons = why_not(find_gaps(_nodes(topology), _Constants(folder, weights)))
    return {name: reasons[name.removeprefix("tfjs-")] for name in takers("tfjs")}


def _nodes(topology: JsonObject) -> Iterator[GraphNode]:
    functions = as_list(as_object(topology.get("library")).get("function"))
    bodies = [as_list(as_object(function).get("nodeDef")) for function in functions]
    for described in (node for nodes in (as_list(topology["node"]), *bodies) for node in nodes):
        node = as_object(described)
        attributes = as_object(node.get("attr"))
        values = {name: as_object(value) for name, value in attributes.items()}
        names = [as_text(given) for given in as_list(node.get("input"))]
        yield GraphNode(
            name=as_text(node.get("name")),
            op=as_text(node.get("op")),
            inputs=tuple(name for name in names if not name.startswith("^")),
            words={name: _words(value) for name, value in values.items()},
            numbers={name: _numbers(value) for name, value in values.items()},
        )


def _words(value: JsonObject) -> tuple[str, ...]:
    if "s" in value:
        return (as_bytes_text(value["s"]),)
    return tuple(as_bytes_text(item) for item in as_list(as_object(value.get("list")).get("s")))


def _numbers(value: JsonObject) -> tuple[int, ...]:
    if "i" in value:
        return (as_int(value["i"], default=0),)
    if "b" in value:
        return (int(value["b"] is True),)
    if "type" in value:
        kind = value["type"]
        return (_TYPES.get(kind, 0) if isinstance(kind, str) else as_int(kind, default=0),)
    items = as_list(as_object(value.get("list")).get("i"))
    return tuple(as_int(item, default=0) for item in items)


class _Constants:
    """The weights, for the rules: small integers are read from the shards."""

    def __init__(self, folder: Path, weights: Sequence[Weight]) -> None:
        self._folder = folder
        self._weights = {weight.name: weight for weight in weights}

    def integers(self, tensor: str) -> tuple[int, ...] | None:
        weight = self._weights.get(tensor.split(":")[0])
        return read_integers(self._folder, weight) if weight else None

    def shape(self, tensor: str) -> tuple[int, ...] | None:
        weight = self._weights.get(tensor.split(":")[0])
        return weight.shape if weight else None

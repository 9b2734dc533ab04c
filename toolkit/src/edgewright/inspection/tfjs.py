"""Read the graph of a TF.js ``model.json``: a graph model, or the layers of a layers model.

TF.js computes in float32 whatever the weights are stored as, so that precision is told of the
weights alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from pathlib import Path

from edgewright.inspection.graph import Graph, Operation, in_order
from edgewright.inspection.tfjs_json import JsonObject, as_int, as_list, as_object, as_text
from edgewright.inspection.tfjs_shapes import Inference
from edgewright.inspection.tfjs_web import web_runtimes
from edgewright.inspection.tfjs_weights import Weight, read_integers, read_manifest
from edgewright_converters.formats.tfjs import STORAGE_ONLY
from edgewright_runtimes.errors import BadInput
from edgewright_runtimes.records import TensorSpec
from edgewright_runtimes.tfjs_file import read_model_json

_NOT_WORK = frozenset({"Const", "NoOp", "Placeholder", "PlaceholderWithDefault"})
_CALLS = frozenset(
    {"If", "PartitionedCall", "StatefulPartitionedCall", "StatelessIf", "StatelessWhile", "While"}
)
_DTYPES = {
    "DT_BOOL": "bool",
    "DT_FLOAT": "float32",
    "DT_HALF": "float16",
    "DT_INT32": "int32",
    "DT_INT64": "int64",
    "DT_STRING": "string",
}


def read_graph(path: Path) -> Graph:
    """The main graph's nodes. Raises ``BadInput`` for what is not a TF.js model."""
    model = read_model_json(path)
    weights = read_manifest(model, where=str(path))
    topology = as_object(model.get("modelTopology"))
    if "node" in topology:
        operations, warnings = _graph_model(path, topology, weights)
    else:
        operations, warnings = _layers(topology), ("a layers model: its work is not known",)
    if not operations:
        raise BadInput(f"{path}: not a TF.js model (no nodes and no layers)")
    stored = _stored(weights)
    signature = as_object(model.get("signature"))
    return Graph(
        format="tfjs",
        inputs=_edge(as_object(signature.get("inputs"))),
        outputs=_edge(as_object(signature.get("outputs"))),
        operations=operations,
        parameters=sum(stored.values()),
        weights=stored,
        facts={**_facts(model, topology), **_storage(stored)},
        warnings=warnings,
        files=tuple(dict.fromkeys(name for w in weights for name in w.files)),
        web_runtimes=web_runtimes(path.parent, topology, weights),
    )


def _graph_model(
    path: Path, topology: JsonObject, weights: Sequence[Weight]
) -> tuple[tuple[Operation, ...], tuple[str, ...]]:
    nodes = {as_text(n.get("name")): n for n in map(as_object, as_list(topology["node"]))}
    by_name = {weight.name: weight for weight in weights}
    inference = Inference(
        {name: weight.shape for name, weight in by_name.items()},
        lambda name: read_integers(path.parent, by_name[name]) if name in by_name else None,
    )
    needs = {name: [_source(i) for i in as_list(n.get("input"))] for name, n in nodes.items()}
    operations = []
    for name in in_order(needs):
        macs = inference.add(name, nodes[name])
        kind = as_text(nodes[name].get("op"))
        if kind not in _NOT_WORK:
            known = None if kind in _CALLS else macs
            operations.append(
                Operation(name=kind, precision=_precision(nodes[name]), macs=known, label=name)
            )
    functions = as_list(as_object(topology.get("library")).get("function"))
    said = f"{len(functions)} functions (control flow) are not counted"
    return tuple(operations), (said,) if functions else ()


def _source(given: object) -> str:
    """The node that an input names: ``name``, ``name:output`` or ``^control``."""
    return as_text(given).removeprefix("^").split(":")[0]


def _precision(node: JsonObject) -> str:
    attributes = as_object(node.get("attr"))
    dtype = as_text(as_object(attributes.get("T", attributes.get("dtype"))).get("type"))
    if not dtype:
        return "unknown" if as_text(node.get("op")) in _CALLS else "other"
    return "float32" if dtype in ("DT_FLOAT", "DT_HALF") else "other"


def _layers(topology: JsonObject) -> tuple[Operation, ...]:
    """A layers model: the Keras config, with one op for each layer that computes."""
    config = as_object(as_object(topology.get("model_config", topology)).get("config"))
    layers = [as_object(layer) for layer in as_list(config.get("layers"))]
    return tuple(
        Operation(
            name=as_text(layer.get("class_name")),
            precision="float32",
            macs=None,
            label=as_text(as_object(layer.get("config")).get("name")),
        )
        for layer in layers
        if as_text(layer.get("class_name")) != "InputLayer"
    )


def _stored(weights: Sequence[Weight]) -> Mapping[str, int]:
    """Elements by stored dtype; int32, bool and text are shapes, indices and tables."""
    stored: dict[str, int] = {}
    for weight in weights:
        if weight.dtype == "float32":
            stored[weight.stored] = stored.get(weight.stored, 0) + prod(weight.shape)
    return stored


def _storage(stored: Mapping[str, int]) -> dict[str, str]:
    """Quantized weights make the download smaller, and nothing faster."""
    packed = [dtype for dtype in stored if dtype != "float32"]
    return {"weights": STORAGE_ONLY.format(", ".join(packed))} if packed else {}


def _edge(described: JsonObject) -> tuple[TensorSpec, ...]:
    return tuple(_spec(name, as_object(info)) for name, info in described.items())


def _spec(name: str, info: JsonObject) -> TensorSpec:
    dims = as_list(as_object(info.get("tensorShape")).get("dim"))
    sizes = [as_int(as_object(d).get("size"), default=0) for d in dims]
    dtype = as_text(info.get("dtype"))
    shape = tuple(None if size < 0 else size for size in sizes)
    return TensorSpec(name=name, dtype=_DTYPES.get(dtype, dtype), shape=shape)


def _facts(model: JsonObject, topology: JsonObject) -> dict[str, str | int]:
    producer = as_object(topology.get("versions")).get("producer")
    facts: dict[str, str | int] = {
        "kind": as_text(model.get("format")) or "unknown",
        "generated by": as_text(model.get("generatedBy")),
        "converted by": as_text(model.get("convertedBy")),
        "GraphDef": as_int(producer, default=0),
    }
    return {name: value for name, value in facts.items() if value}

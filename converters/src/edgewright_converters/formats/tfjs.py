"""The writer of TensorFlow.js graph models, without the package ``tensorflowjs``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from edgewright_converters.formats.format import WriteRequest, Written
from edgewright_converters.tfjs_graph.freeze import Edge, freeze
from edgewright_converters.tfjs_graph.model_json import MODEL_FILE, write_model_json
from edgewright_converters.tfjs_graph.optimize import optimize
from edgewright_converters.tfjs_graph.weights import write_weights
from edgewright_runtimes.records import TensorSpec
from edgewright_runtimes.version import __version__

if TYPE_CHECKING:
    from tensorflow.core.framework.graph_pb2 import GraphDef
    from tensorflow.core.framework.node_def_pb2 import NodeDef

    from edgewright_converters.sources.source import Source


def write(source: Source, request: WriteRequest, folder: Path) -> Written:
    """Write ``model.json`` and its shards into ``folder`` (created where it is not there).

    The schemes are how weights are stored: ``float32``, ``float16``, ``uint8``, ``uint16``.
    TF.js computes in float32 whatever the scheme. Raises ``ConversionError``.
    """
    import tensorflow as tf

    frozen = optimize(freeze(source.as_concrete_function(batch=request.batch)))
    folder.mkdir(parents=True, exist_ok=True)
    manifest = write_weights(_constants(frozen.graph_def), request.variant.scheme, folder)
    inputs = {spec.name: frozen.inputs[spec.name] for spec in source.signature.inputs}
    outputs = {spec.name: frozen.outputs[spec.name] for spec in source.signature.outputs}
    write_model_json(
        folder / MODEL_FILE,
        frozen.graph_def,
        inputs=inputs,
        outputs=outputs,
        groups=manifest.groups,
        tools={"edgewright": __version__, "tensorflow": tf.__version__},
    )
    return Written(
        file=MODEL_FILE,
        inputs=tuple(_spec(name, edge) for name, edge in inputs.items()),
        outputs=tuple(_spec(name, edge) for name, edge in outputs.items()),
        details={"nodes": _count_nodes(frozen.graph_def)},
    )


def _constants(graph_def: GraphDef) -> list[NodeDef]:
    nodes = [*graph_def.node, *(n for f in graph_def.library.function for n in f.node_def)]
    return [node for node in nodes if node.op == "Const"]


def _count_nodes(graph_def: GraphDef) -> int:
    return len(graph_def.node) + sum(len(f.node_def) for f in graph_def.library.function)


# what TF.js makes of a dtype (operation_mapper.ts, parseDtypeParam)
def _spec(name: str, edge: Edge) -> TensorSpec:
    from tensorflow.python.framework import dtypes

    dtype = dtypes.as_dtype(edge.dtype)
    seen = "bool" if dtype.is_bool else "int32" if dtype.is_integer else "float32"
    return TensorSpec(name=name, dtype=seen, shape=edge.shape)

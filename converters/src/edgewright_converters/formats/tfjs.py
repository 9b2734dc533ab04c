"""The writer of TensorFlow.js graph models, without the package ``tensorflowjs``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgewright_converters.errors import ConversionError
from edgewright_converters.formats.format import WriteRequest, Written
from edgewright_converters.op_names import first_line
from edgewright_converters.tfjs_graph.freeze import Edge, Frozen, freeze
from edgewright_converters.tfjs_graph.model_json import MODEL_FILE, write_model_json
from edgewright_converters.tfjs_graph.optimize import optimize
from edgewright_converters.tfjs_graph.support import (
    all_nodes,
    check_ops,
    gap_warnings,
    gaps_of,
    needs_async,
    refuse_text,
    refuse_what_no_backend_runs,
    runtimes_of,
)
from edgewright_converters.tfjs_graph.weights import Manifest, write_weights
from edgewright_runtimes.records import TensorSpec
from edgewright_runtimes.version import __version__

STORAGE_ONLY = "{} is storage only: TF.js computes in float32"

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

    function = source.as_concrete_function(batch=request.batch)
    layers = _layers(source)
    refuse_text(function.graph.as_graph_def(), layers)
    frozen = _frozen(function)
    check_ops(frozen.graph_def, layers)
    gaps = gaps_of(frozen.graph_def)
    refuse_what_no_backend_runs(gaps, layers)
    folder.mkdir(parents=True, exist_ok=True)
    scheme = request.variant.scheme
    manifest = write_weights(_constants(frozen.graph_def), scheme, folder)
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
        details={
            "nodes": sum(1 for _ in all_nodes(frozen.graph_def)),
            "execute": "executeAsync" if needs_async(frozen.graph_def) else "execute",
            "web_runtimes": runtimes_of(gaps),
            **({} if scheme == "float32" else {"weights": STORAGE_ONLY.format(scheme)}),
        },
        warnings=(*gap_warnings(gaps, layers), *_kept_warnings(scheme, manifest)),
        quantization={} if scheme == "float32" else {"weights": scheme, "compute": "float32"},
    )


def _frozen(function: Any) -> Frozen:
    """TensorFlow's own refusals (state that is written to, say) become ours."""
    import tensorflow as tf

    try:
        return optimize(freeze(function))
    except (KeyError, ValueError, tf.errors.OpError) as e:
        raise ConversionError(
            f"tfjs: TensorFlow can not freeze the model ({first_line(str(e))})",
            hint="try --formats tflite,onnx",
        ) from e


def _constants(graph_def: GraphDef) -> list[NodeDef]:
    return [node for node in all_nodes(graph_def) if node.op == "Const"]


def _layers(source: Source) -> frozenset[str]:
    """Names of the source's layers, where it has them: to say where an op came from."""
    model = source.as_keras()
    if model is None:
        return frozenset()
    return frozenset(layer.name for layer in model._flatten_layers(include_self=False))


def _kept_warnings(scheme: str, manifest: Manifest) -> tuple[str, ...]:
    if not manifest.kept:
        return ()
    return (
        f"{len(manifest.kept)} weights stay float32 (not finite, or too large for {scheme}): "
        f"{', '.join(manifest.kept[:3])}",
    )


def _spec(name: str, edge: Edge) -> TensorSpec:
    """The tensor as TF.js sees it: it knows float32, int32 and bool (``parseDtypeParam``)."""
    from tensorflow.python.framework import dtypes

    dtype = dtypes.as_dtype(edge.dtype)
    seen = "bool" if dtype.is_bool else "int32" if dtype.is_integer else "float32"
    return TensorSpec(name=name, dtype=seen, shape=edge.shape)

"""``model.json`` of a TF.js graph model: strict JSON around a GraphDef.

The keys are those that ``loadGraphModel`` of @tensorflow/tfjs 4.22 reads.
``userDefinedMetadata`` is left to the contract.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgewright_converters.tfjs_graph.freeze import Edge

if TYPE_CHECKING:
    from tensorflow.core.framework.graph_pb2 import GraphDef

MODEL_FILE = "model.json"


def write_model_json(
    path: Path,
    graph_def: GraphDef,
    *,
    inputs: Mapping[str, Edge],
    outputs: Mapping[str, Edge],
    groups: list[dict[str, object]],
    tools: Mapping[str, str],
) -> None:
    """``groups`` is the weights manifest; constants of ``graph_def`` are already cleared."""
    from google.protobuf.json_format import MessageToDict  # type: ignore[import-untyped]

    model = {
        "format": "graph-model",
        "generatedBy": f"edgewright {tools['edgewright']}",
        "convertedBy": f"edgewright {tools['edgewright']}, TensorFlow {tools['tensorflow']}",
        "signature": {
            "inputs": {name: _tensor_info(edge) for name, edge in inputs.items()},
            "outputs": {name: _tensor_info(edge) for name, edge in outputs.items()},
        },
        "modelTopology": MessageToDict(graph_def),
        "weightsManifest": groups,
    }
    text = json.dumps(model, allow_nan=False, separators=(",", ":"))
    path.write_text(text, encoding="utf-8")


def _tensor_info(edge: Edge) -> dict[str, Any]:
    from tensorflow.core.framework.types_pb2 import DataType

    sizes = [{"size": "-1" if size is None else str(size)} for size in edge.shape]
    return {
        "name": edge.tensor,
        "dtype": DataType.Name(edge.dtype),
        "tensorShape": {"dim": sizes} if sizes else {},
    }

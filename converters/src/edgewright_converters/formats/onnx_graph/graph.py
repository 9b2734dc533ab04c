"""Frozen TensorFlow graph to ONNX graph, through tf2onnx."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from edgewright_converters.errors import ConversionError
from edgewright_converters.formats.onnx_graph.handlers import HANDLERS
from edgewright_converters.formats.onnx_graph.model_file import nodes
from edgewright_converters.op_names import conversion_error, unsupported

if TYPE_CHECKING:
    from edgewright_converters.formats.frozen import FrozenGraph
    from edgewright_converters.sources.source import Source

OPSETS = range(13, 19)  # 13 has per-channel quantization, 18 is the last that tf2onnx writes
LOWEST_OPSET = 17  # where the search begins, unless one is asked for


def to_onnx(source: Source, frozen: FrozenGraph, *, opset: int | None) -> tuple[Any, int]:
    """The ``ModelProto`` and its opset: the one asked for, or the lowest that converts.

    Raises ``ConversionError`` with the reason of the lowest opset tried.
    """
    if opset is not None and opset not in OPSETS:
        raise ConversionError(
            f"opset {opset} is not written; {OPSETS[0]} to {OPSETS[-1]} are",
            hint=f"--opset {LOWEST_OPSET}",
        )
    first: ConversionError | None = None
    for candidate in range(LOWEST_OPSET, OPSETS.stop) if opset is None else [opset]:
        try:
            return _convert(source, frozen, candidate), candidate
        except ConversionError as e:
            first = first or e
    raise first or ConversionError("no opset to try")


def _convert(source: Source, frozen: FrozenGraph, opset: int) -> Any:
    import tensorflow as tf
    from tf2onnx import optimizer, tf_loader
    from tf2onnx.tfonnx import process_tf_graph

    function = frozen.function
    inputs = [t.name for t in function.inputs]
    outputs = [t.name for t in function.outputs]
    names = dict(zip((*inputs, *outputs), (*frozen.input_names, *frozen.output_names), strict=True))
    graph_def = function.graph.as_graph_def(add_shapes=True)
    logging.getLogger("tf2onnx").setLevel(logging.CRITICAL)
    try:
        with tf.Graph().as_default() as graph:
            graph_def = tf_loader.tf_optimize(inputs, outputs, graph_def)
            tf.import_graph_def(graph_def, name="")
            converted = process_tf_graph(
                graph,
                opset=opset,
                input_names=inputs,
                output_names=outputs,
                tensors_to_rename=names,
                custom_op_handlers={op: (handler, []) for op, handler in HANDLERS.items()},
            )
        model = optimizer.optimize_graph(converted, catch_errors=False).make_model("edgewright")
    except Exception as e:  # tf2onnx raises whatever its handlers raise
        raise conversion_error("onnx", "float32", str(e), function.graph, source) from e
    left = sorted({n.op_type for n in nodes(model.graph) if not _known(n, opset)})
    if left:
        raise unsupported("onnx", f"opset {opset}", left, function.graph, source)
    return model


def _known(node: Any, opset: int) -> bool:
    """What tf2onnx has no handler for it leaves under TensorFlow's own name."""
    import onnx

    return node.domain not in ("", "ai.onnx") or onnx.defs.has(node.op_type, opset, "")

"""Drives TensorFlow's TFLite converter: one frozen graph in, one flatbuffer out."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from edgewright_converters.calibration import batches
from edgewright_converters.errors import ConversionError
from edgewright_converters.formats.tflite_graph.ranges import narrow
from edgewright_converters.formats.tflite_graph.sharing import unshare
from edgewright_converters.op_names import conversion_error, layer_of

if TYPE_CHECKING:
    import numpy as np

    from edgewright_converters.formats.format import Calibration
    from edgewright_converters.formats.frozen import FrozenGraph
    from edgewright_converters.formats.tflite_graph.ranges import Feed
    from edgewright_converters.sources.source import Source

INTEGER = ("int8", "int8-io", "int16x8")
_NO_RANGE = "Max and min for dynamic tensors should be recorded"
_FREE_BATCH = "'tf.TensorListReserve' op requires element_shape to be static"
_LOOPS = ("While", "StatelessWhile")


def convert(
    source: Source,
    frozen: FrozenGraph,
    scheme: str,
    *,
    batch: int | None,
    calibration: Calibration | None,
    float_fallback: bool = False,
) -> bytes:
    """Raises ``ConversionError``, naming the operations that have no kernel in that scheme."""
    converter = converter_of(frozen, scheme)
    converter.exclude_conversion_metadata = True  # it would cost a pass over the whole file
    _set_scheme(converter, scheme, float_fallback)
    feed = None
    if scheme in INTEGER:
        refuse_loops(frozen, scheme, source)
        feed = converter.representative_dataset = _feeder(frozen, calibration, batch)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # TensorFlow's own, about flags it sets itself
            if feed is None or scheme == "int16x8":
                return bytes(converter.convert())
            # the two halves of convert(), for the ranges to be looked at between them
            converter._experimental_calibrate_only = True
            return _quantize(narrow(bytes(converter.convert()), feed), scheme)
    except ConversionError:
        raise
    except Exception as e:  # the converter raises whatever its passes raise
        if scheme == "int16x8" and _NO_RANGE in str(e):
            raise ConversionError(
                "tflite int16x8: TensorFlow's quantizer finds no range for an integer input",
                hint="take int8 or dynamic",
            ) from e
        if _FREE_BATCH in str(e) and batch is None:
            raise ConversionError(
                f"tflite {scheme}: the loop of {_loop_layers(frozen, source)} needs a fixed batch",
                hint="use --batch 1, or build recurrent layers with unroll=True",
            ) from e
        raise conversion_error("tflite", scheme, str(e), frozen.graph, source) from e


def converter_of(frozen: FrozenGraph, scheme: str) -> Any:
    """TensorFlow's converter, given a graph that is frozen already.

    Its own way freezes the function once more and holds it while the converter works, seven times
    its weights. Here they become bytes when it asks for them, and are its own.
    """
    import tensorflow as tf

    class LateGraphDef:
        node, library = frozen.graph_def.node, frozen.graph_def.library
        SerializeToString = staticmethod(frozen.serialize)

    class Converter(tf.lite.TFLiteConverter):  # type: ignore[misc]
        def _freeze_concrete_function(self) -> tuple[Any, list[Any], list[Any], Any]:
            return LateGraphDef, list(frozen.inputs), list(frozen.outputs), frozen

        def _quantize(self, model: bytes, *settings: Any) -> bytes:
            if scheme == "int16x8":
                model = unshare(model)
            return bytes(super()._quantize(model, *settings))

    return Converter([frozen])


def _set_scheme(converter: Any, scheme: str, float_fallback: bool) -> None:
    import tensorflow as tf

    ops = tf.lite.OpsSet
    if scheme == "float32":
        return
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if scheme == "float16":
        converter.target_spec.supported_types = [tf.float16]
    elif scheme in ("int8", "int8-io"):
        converter.target_spec.supported_ops = [ops.TFLITE_BUILTINS_INT8]
    elif scheme == "int16x8":
        converter.target_spec.supported_ops = [
            ops.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8
        ]
    if scheme == "int8-io":
        converter.inference_input_type = converter.inference_output_type = tf.int8
    if float_fallback:
        converter.target_spec.supported_ops += [ops.TFLITE_BUILTINS]


def refuse_loops(frozen: FrozenGraph, scheme: str, source: Source) -> None:
    """TensorFlow's calibrator crashes the process on a graph with a loop (seen in 2.21)."""
    if layers := _loop_layers(frozen, source):
        raise ConversionError(
            f"tflite {scheme}: TensorFlow's calibration can't see into the loop of {layers}",
            hint="build recurrent layers with unroll=True, or take dynamic; onnx int8 takes loops",
        )


def _loop_layers(frozen: FrozenGraph, source: Source) -> str:
    loops = [op for op in frozen.graph.get_operations() if op.type in _LOOPS]
    return ", ".join(sorted({repr(layer_of(op.name, source)) for op in loops}))


def _quantize(calibrated: bytes, scheme: str) -> bytes:
    import tensorflow as tf
    from tensorflow.lite.python.convert import mlir_quantize

    edge = tf.int8 if scheme == "int8-io" else tf.float32
    return bytes(mlir_quantize(calibrated, input_data_type=edge, output_data_type=edge))


def _feeder(frozen: FrozenGraph, calibration: Calibration | None, batch: int | None) -> Feed:
    if calibration is None:
        raise ConversionError(
            "an integer scheme needs real data to find the ranges of the activations",
            hint="give it with --calibrate DATA",
        )
    names, held = frozen.input_names, calibration.feeds

    def feed() -> Iterator[list[np.ndarray[Any, Any]]]:
        for feeds in batches(held, batch or 1):
            yield [feeds[name] for name in names]

    return feed

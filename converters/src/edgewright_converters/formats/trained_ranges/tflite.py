"""A traced graph of fake-quantized tensors to a TFLite file: TensorFlow's own path for it."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

from edgewright_converters.formats.tflite_graph.converter import converter_of
from edgewright_converters.op_names import conversion_error

if TYPE_CHECKING:
    from edgewright_converters.formats.frozen import FrozenGraph
    from edgewright_converters.sources.source import Source


def to_tflite(source: Source, frozen: FrozenGraph, scheme: str) -> bytes:
    """Raises ``ConversionError``; what has no range stays in float."""
    import tensorflow as tf

    converter = converter_of(frozen, scheme)
    converter.exclude_conversion_metadata = True
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if scheme == "int8-io":
        converter.inference_input_type = converter.inference_output_type = tf.int8
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it misses statistics that the graph's ranges replace
            return bytes(converter.convert())
    except Exception as e:  # the converter raises whatever its passes raise
        raise conversion_error("tflite", scheme, str(e), frozen.graph, source) from e

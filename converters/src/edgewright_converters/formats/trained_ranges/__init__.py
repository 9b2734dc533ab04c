"""Int8 files that hold what quantization-aware training trained, not what calibration finds.

A model's plain layers and the ranges beside it make the graph again that was trained; traced, it
carries a fake quantization on every tensor, from which each format's own tools take the scales.
"""

from __future__ import annotations

from edgewright_converters.formats.trained_ranges.onnx_integers import to_integers
from edgewright_converters.formats.trained_ranges.rounding import rounding_source
from edgewright_converters.formats.trained_ranges.tflite import to_tflite

SCHEMES = ("int8", "int8-io")  # others are made of the plain model
NOTE = {"method": "trained ranges"}
ONNX_INT8 = {
    "scheme": "int8",
    "weights": "int8 per channel",
    "activations": "uint8",
    "pair": "U8S8",
    "method": "QDQ, trained ranges",
}

__all__ = ["NOTE", "ONNX_INT8", "SCHEMES", "rounding_source", "to_integers", "to_tflite"]

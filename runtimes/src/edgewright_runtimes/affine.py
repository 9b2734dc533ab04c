"""Real values to quantized ones and back: the one place where the formulas stand.

q = round(real / scale) + zero_point, saturating; real = scale * (q - zero_point). TFLite's
specification (https://ai.google.dev/edge/litert/models/quantization_spec), ONNX's QuantizeLinear
and DequantizeLinear alike; halves are rounded to even. In float32.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from edgewright_runtimes.records import TensorSpec
    from edgewright_runtimes.runtime import Array


def quantizer(spec: TensorSpec) -> Callable[[Array], Array] | None:
    """From float32 of any shape to the dtype of ``spec``; ``None`` where it is not quantized."""
    if not _is_quantized(spec):
        return None
    dtype = np.dtype(spec.dtype)
    limits = np.iinfo(dtype)
    low, high = np.float32(limits.min), np.float32(limits.max)
    scale, zero_point = np.float32(spec.scale), np.float32(spec.zero_point)
    rint, add = np.rint, np.add

    def quantize(real: Array) -> Array:
        q = np.asarray(real / scale)  # numpy makes a scalar of an array without axes
        rint(q, out=q)
        add(q, zero_point, out=q)
        return q.clip(low, high, out=q).astype(dtype)

    return quantize


def dequantizer(spec: TensorSpec) -> Callable[[Array], Array] | None:
    """From the dtype of ``spec`` to float32; ``None`` where it is not quantized."""
    if not _is_quantized(spec):
        return None
    dtype = np.dtype(spec.dtype)
    scale, zero_point = np.float32(spec.scale), np.float32(spec.zero_point)
    if dtype.itemsize > 1:
        return lambda q: (q.astype(np.float32) - zero_point) * scale
    values = np.arange(256, dtype=np.uint8).view(dtype).astype(np.float32)
    table = (values - zero_point) * scale  # all 256 answers, each computed once
    return lambda q: table.take(q.view(np.uint8))


def _is_quantized(spec: TensorSpec) -> bool:
    return bool(spec.scale) and spec.dtype != "string" and np.dtype(spec.dtype).kind in "iu"

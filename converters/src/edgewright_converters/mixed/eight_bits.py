"""Values as 8 bits would hold them: scales and rounding as LiteRT and ONNX Runtime have them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


def rounded_weights(weights: Array, axis: int | None) -> Array:
    """Symmetric, 255 codes, one scale for each index of ``axis`` (``None``: one for all).

    The scheme of TFLite's specification of 8-bit quantization.
    """
    import numpy as np

    others = tuple(i for i in range(weights.ndim) if i != axis)
    greatest = np.abs(weights).max(axis=None if axis is None else others, keepdims=True)
    scale = np.where(greatest > 0, greatest, 1) / 127
    result: Array = (np.clip(np.round(weights / scale), -127, 127) * scale).astype(weights.dtype)
    return result


def scale_and_zero(least: float, greatest: float) -> tuple[float, int]:
    """Of an asymmetric int8 tensor; zero is always exact."""
    low, high = min(least, 0.0), max(greatest, 0.0)
    scale = (high - low) / 255 or 1.0
    return scale, max(-128, min(127, round(-128 - low / scale)))


def pruned_weights(weights: Array, ratio: float) -> Array:
    """The ``ratio`` of all values that are least by magnitude are zero."""
    import numpy as np

    count = int(weights.size * ratio)
    result: Array = weights.copy()
    if count:
        least = np.argpartition(np.abs(weights).reshape(-1), count - 1)[:count]
        result.reshape(-1)[least] = 0
    return result

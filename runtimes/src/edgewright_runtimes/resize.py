"""Resizing a batch of images with numpy, as ``tf.image.resize`` does it.

Pixels have half-pixel centres: pixel ``i`` lies at ``i + 0.5``. The formulas follow TensorFlow's
kernels (``image_resizer_state.h``, ``resize_bilinear_op.cc`` and, for antialiasing,
``scale_and_translate_op.cc``), single precision included, so that both pick the same pixels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:
    Array = np.ndarray[Any, Any]

Method = Literal["nearest", "bilinear"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Resize:
    """``size`` is (height, width); half-pixel centres always, as ``tf.image.resize`` has them."""

    size: tuple[int, int]
    method: Method = "bilinear"
    antialias: bool = False


def resize(x: Array, to: Resize) -> Array:
    """Resize [items, height, width, channels], as float32.

    ``antialias`` widens the bilinear kernel when the image gets smaller; it means nothing to
    ``nearest``.
    """
    x = np.asarray(x)
    if to.method == "nearest":
        rows, columns = (_nearest(x.shape[i + 1], to.size[i]) for i in (0, 1))
        picked: Array = x[:, rows][:, :, columns]
        return picked.astype(np.float32)
    x = x.astype(np.float32)
    for axis in (2, 1):
        if x.shape[axis] != to.size[axis - 1]:
            along = _antialiased if to.antialias else _bilinear
            x = along(x, axis, to.size[axis - 1])
    return x


def _nearest(old: int, new: int) -> Array:
    centres = (np.arange(new, dtype=np.float32) + np.float32(0.5)) * _step(old, new)
    floor: Array = np.floor(centres)
    return np.minimum(floor.astype(np.int64), old - 1)


def _bilinear(x: Array, axis: int, new: int) -> Array:
    old = x.shape[axis]
    half = np.float32(0.5)
    place = (np.arange(new, dtype=np.float32) + half) * _step(old, new) - half
    floor = np.floor(place)
    lower = np.maximum(floor.astype(np.int64), 0)
    upper = np.minimum(np.ceil(place).astype(np.int64), old - 1)
    share = (place - floor).reshape([-1 if i == axis else 1 for i in range(x.ndim)])
    low = x.take(lower, axis)
    return np.asarray(low + (x.take(upper, axis) - low) * share)


def _antialiased(x: Array, axis: int, new: int) -> Array:
    weights = triangle_weights(x.shape[axis], new)
    return np.moveaxis(np.tensordot(x, weights, axes=(axis, 1)), -1, axis)


def triangle_weights(old: int, new: int) -> Array:
    """The weights [new, old] of a triangle kernel, as wide as one new pixel where it shrinks."""
    step = np.float32(1) / (np.float32(new) / np.float32(old))
    width = max(step, np.float32(1))
    centres = (np.arange(new, dtype=np.float32) + np.float32(0.5)) * step
    pixels = np.arange(old, dtype=np.float32) + np.float32(0.5)
    away = np.abs(pixels[None, :] - centres[:, None]) / width
    weights = np.maximum(np.float32(1) - away, np.float32(0))
    return np.asarray(weights / weights.sum(axis=1, keepdims=True), dtype=np.float32)


def _step(old: int, new: int) -> np.float32:
    return np.float32(old) / np.float32(new)

"""Preprocessing, declared once and used alike for calibration, checking and the SDK of apps.

Raw items are [items, height, width, channels] in RGB, or tensors of any shape where nothing
below needs an image. The order is fixed:

    resize -> crop -> color_order -> x * scale -> (x - mean) / std -> layout

Plain data in and out (``from_dict``, ``to_dict``), so that it travels inside an artifact's
contract; JavaScript reads the same words.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from edgewright_runtimes.errors import BadInput
from edgewright_runtimes.preprocess_fields import (
    READERS,
    ColorOrder,
    Layout,
    PerChannel,
    check_names,
)
from edgewright_runtimes.resize import Resize, resize

if TYPE_CHECKING:
    Array = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Preprocess:
    """What a raw item goes through on its way to the model. Empty: nothing but float32.

    ``mean`` and ``std`` are one number, or one per channel (per entry of the last axis).
    ``layout`` and ``color_order`` are those of the model; raw items are NHWC and RGB.
    ``inputs`` names the inputs that it applies to, where a model has several; empty: all.
    """

    resize: Resize | None = None
    crop: tuple[int, int] | None = None
    color_order: ColorOrder = "rgb"
    scale: float = 1.0
    mean: PerChannel = 0.0
    std: PerChannel = 1.0
    layout: Layout = "nhwc"
    inputs: tuple[str, ...] = ()

    @classmethod
    def from_dict(cls, mapping: Mapping[str, Any]) -> Preprocess:
        """Read plain data; ``BadInput`` names the field, its value and what is allowed."""
        check_names("preprocess", mapping, [f.name for f in fields(cls)])
        return cls(**{name: READERS[name](name, value) for name, value in mapping.items()})

    def to_dict(self) -> dict[str, Any]:
        """Plain data that ``from_dict`` reads back; what is left at its default is left out."""
        plain: dict[str, Any] = {}
        for field in fields(self):
            value = getattr(self, field.name)
            if value == field.default:
                continue
            if isinstance(value, Resize):
                value = {"size": list(value.size), "method": value.method}
                value |= {"antialias": True} if self.resize and self.resize.antialias else {}
            plain[field.name] = list(value) if isinstance(value, tuple) else value
        return plain

    @property
    def empty(self) -> bool:
        return not self.to_dict()

    def apply(self, x: Array) -> Array:
        """Preprocess a batch of raw items (any numeric dtype) into float32.

        Raises ``BadInput`` where the items are no images and should be, where the crop is
        larger than they are, or where ``mean`` or ``std`` has another number of channels.
        """
        x = self._shape_images(np.asarray(x)) if self._needs_images else np.asarray(x)
        x = x.astype(np.float32)
        if self.scale != 1.0:
            x = x * np.float32(self.scale)
        if self.mean != 0.0:
            x = x - _channels("mean", self.mean, x)
        if self.std != 1.0:
            x = x / _channels("std", self.std, x)
        if self.layout == "nchw":
            x = np.moveaxis(x, -1, 1)
        return np.ascontiguousarray(x)

    def apply_feeds(self, feeds: Mapping[str, Array]) -> dict[str, Array]:
        """``apply`` to each input it is for; the others stay as they are."""
        return {
            name: self.apply(x) if not self.inputs or name in self.inputs else np.asarray(x)
            for name, x in feeds.items()
        }

    @property
    def _needs_images(self) -> bool:
        return bool(self.resize or self.crop or self.layout != "nhwc" or self.color_order != "rgb")

    def _shape_images(self, x: Array) -> Array:
        if x.ndim == 3:
            x = x[..., None]  # grey images without a channel axis
        if x.ndim != 4:
            raise BadInput(
                f"preprocess wants images [items, height, width, channels], not {list(x.shape)}",
                hint="leave out resize, crop, layout and color_order for other data",
            )
        if self.resize is not None:
            x = resize(x, self.resize)
        if self.crop is not None:
            x = _crop(x, self.crop)
        if self.color_order == "bgr":
            if x.shape[-1] != 3:
                raise BadInput(f"color_order 'bgr' wants 3 channels, not {x.shape[-1]}")
            x = x[..., ::-1]
        return x


def _crop(x: Array, size: tuple[int, int]) -> Array:
    height, width = size
    if height > x.shape[1] or width > x.shape[2]:
        raise BadInput(
            f"crop {list(size)} is larger than the image {list(x.shape[1:3])}",
            hint="resize first, or crop less",
        )
    top, left = (x.shape[1] - height) // 2, (x.shape[2] - width) // 2
    return x[:, top : top + height, left : left + width]


def _channels(name: str, value: PerChannel, x: Array) -> Array:
    array = np.asarray(value, dtype=np.float32)
    if array.ndim and (x.ndim < 2 or array.shape[0] != x.shape[-1]):
        raise BadInput(
            f"{name} has {array.shape[0]} values, the items {list(x.shape[1:])} have "
            f"{x.shape[-1]} channels",
            hint="give one number, or one per channel",
        )
    return array

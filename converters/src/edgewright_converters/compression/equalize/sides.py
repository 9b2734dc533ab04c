"""The two sides of a linear layer's kernel: the channels it takes and those it gives out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edgewright_converters.compression.fold import spread

if TYPE_CHECKING:
    import numpy as np

    from edgewright_converters.compression.graph.flat import Node

    Array = np.ndarray[Any, Any]


def given_ranges(node: Node, kernel: Array) -> Array:
    """The greatest magnitude [channels] of the weights behind each channel that is given out."""
    import numpy as np

    size = np.abs(kernel)
    if node.kind.startswith("Depthwise"):
        return _over_places(size, 2).reshape(-1)
    axis = -2 if node.kind.endswith("Transpose") else -1
    ranges: Array = np.moveaxis(size, axis, 0).reshape(size.shape[axis], -1).max(axis=1)
    return ranges


def taken_ranges(node: Node, kernel: Array, channels: int) -> Array:
    """The greatest magnitude [channels] of the weights on each channel that is taken."""
    import numpy as np

    size = np.abs(kernel)
    if node.kind.startswith("Depthwise"):
        ranges: Array = _over_places(size, 2).max(axis=1)
    elif node.kind.endswith("Transpose"):
        ranges = size.reshape(-1, size.shape[-1]).max(axis=0)
    elif node.kind == "Dense":  # after a flattening every channel comes once for each place
        ranges = size.reshape(-1, channels, size.shape[-1]).max(axis=(0, 2))
    else:
        groups = node.layer.groups
        by_group = _over_places(size, 2).reshape(channels // groups, groups, -1)
        ranges = by_group.max(axis=2).T.reshape(-1)
    return ranges


def scale_given(node: Node, kernel: Array, scale: Array) -> Array:
    scaled: Array = kernel * spread(node, scale)
    return scaled


def scale_taken(node: Node, kernel: Array, scale: Array) -> Array:
    channels = len(scale)
    if node.kind.startswith("Depthwise"):
        scaled: Array = kernel * scale[:, None]
    elif node.kind.endswith("Transpose"):
        scaled = kernel * scale
    elif node.kind == "Dense":
        places = kernel.reshape(-1, channels, kernel.shape[-1])
        scaled = (places * scale[:, None]).reshape(kernel.shape)
    else:
        groups = node.layer.groups
        by_group = scale.reshape(groups, -1).T[:, :, None]
        parts = kernel.reshape(*kernel.shape[:-1], groups, -1)
        scaled = (parts * by_group).reshape(kernel.shape)
    return scaled


def _over_places(size: Array, kept: int) -> Array:
    """The greatest over the kernel's positions; its last ``kept`` axes stay."""
    ranges: Array = size.reshape(-1, *size.shape[-kept:]).max(axis=0)
    return ranges

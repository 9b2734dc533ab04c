"""Ranges to start from: of the input's pixels exactly, of the other tensors by what is seen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from edgewright_converters.compression.scores import feeds
from edgewright_converters.compression.training.feeding import check_items

if TYPE_CHECKING:
    import numpy as np

    from edgewright_converters.compression.context import Items
    from edgewright_converters.compression.qat.graph import TrainedGraph
    from edgewright_converters.compression.qat.plan import Plan

    Array = np.ndarray[Any, Any]

BATCH = 64
_LEAST_LEVELS = 64  # fewer are no image: then the range of what is seen is as exact
_LEVELS = 255


def chosen_items(items: Items, count: int, seed: int) -> dict[str, Array]:
    """At most ``count`` of the items, drawn at random: data often lies sorted by class."""
    import numpy as np

    order = np.random.default_rng(seed).permutation(len(items))[:count]
    return {name: np.asarray(array[np.sort(order)]) for name, array in items.inputs.items()}


def calibrate(trained: TrainedGraph, plain: Any, items: Items, arrays: Mapping[str, Array]) -> None:
    """Give every range the least and greatest value that the floats reach on ``arrays``.

    ``plain`` is the model whose inputs ``items`` fit. Raises ``BadInput`` where they do not.
    """
    check_items(plain, items)
    inputs = input_ranges(trained.plan, arrays)
    size = len(next(iter(arrays.values())))
    with trained.watching():
        for start in range(0, size, BATCH):
            fed = {name: array[start : start + BATCH] for name, array in arrays.items()}
            trained.model(feeds(trained.model, fed), training=False)
    trained.set_ranges(inputs)


def input_ranges(plan: Plan, arrays: Mapping[str, Array]) -> dict[str, tuple[float, float]]:
    """Of the model's integer inputs, by name; ``arrays`` stand in their order."""
    found = {}
    for place, array in zip(plan.graph.inputs, arrays.values(), strict=True):
        name = plan.graph.nodes[place].name
        if name in plan.observed:
            found[name] = pixel_range(array) or (float(array.min()), float(array.max()))
    return found


def pixel_range(values: Array) -> tuple[float, float] | None:
    """The range whose codes are the levels of 8-bit pixels, scaled and shifted as they may be.

    ``None`` where the values are no such levels. Where zero is no level (x / 127.5 - 1 has none)
    the zero point would be a half, and each runtime rounds halves its own way: the step is then
    stretched until the least level is a whole number of steps from zero.
    """
    import numpy as np

    levels = np.unique(values.astype(np.float64))
    if not _LEAST_LEVELS <= len(levels) <= _LEVELS + 1:
        return None
    step = np.diff(levels).min()
    places = (levels - levels[0]) / step
    if np.abs(places - np.round(places)).max() > 0.01 or places[-1] > _LEVELS + 0.01:
        return None
    step = (levels[-1] - levels[0]) / np.round(places[-1])  # the differences' own error averaged
    below = max(-levels[0] / step, 0.0)
    codes = np.round(below)
    if abs(below - codes) > 0.01:
        codes = np.floor(below)
        if not codes:
            return None
        step = -levels[0] / codes
    low, high = -codes * step, (_LEVELS - codes) * step
    return (float(low), float(high)) if levels[-1] <= high + step / 100 else None

"""Drawing the calibration items over the whole set, and saying what looks wrong with them.

Data sorted by class is common, so the first N items are never taken: the draw is by a recorded
seed, without replacement, over all items.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edgewright.data.dataset import Array, DataSet
from edgewright.data.feeds import model_feeds, unused
from edgewright_runtimes.errors import BadInput

if TYPE_CHECKING:
    from edgewright_runtimes.preprocess import Preprocess
    from edgewright_runtimes.records import TensorSpec

FEW = 100  # the field's rule of thumb for a representative data set is 100 to 500 items
LARGE = 1000.0
NARROW = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """``x``: raw items [samples, ...] by input name, in the order of ``indices`` (ascending)."""

    indices: Array
    x: Mapping[str, Array]
    y: Array | None
    seed: int
    asked: int
    of: int
    data: str
    data_sha256: str


def draw(data: DataSet, samples: int, seed: int) -> Drawn:
    """Draw ``samples`` items (or all there are) without replacement; the same for one seed."""
    if samples < 1:
        raise BadInput(f"{samples} samples to calibrate with", hint="--samples takes 1 or more")
    generator = np.random.default_rng(seed)
    count = min(samples, data.items)
    indices = np.sort(generator.choice(data.items, count, replace=False))
    batch = data.take(indices)
    return Drawn(
        indices=indices,
        x=batch.x,
        y=batch.y,
        seed=seed,
        asked=samples,
        of=data.items,
        data=data.name,
        data_sha256=data.sha256,
    )


def ranges(feeds: Mapping[str, Array]) -> dict[str, tuple[float, float]]:
    """(lowest, highest) of each preprocessed input, to be recorded."""
    return {name: (float(x.min()), float(x.max())) for name, x in feeds.items()}


def warnings_for(
    drawn: Drawn, preprocess: Preprocess, inputs: Sequence[TensorSpec]
) -> tuple[str, ...]:
    """What a person should look at before they trust what is calibrated with these items.

    What the model wants is not knowable from outside, so a range is a warning, not an error.
    """
    return tuple(
        [
            *unused(drawn.x, inputs, where=drawn.data, labels=drawn.y is not None),
            *_about_count(drawn),
            *_about_classes(drawn),
            *_about_ranges(drawn, preprocess, inputs),
        ]
    )


def _about_count(drawn: Drawn) -> list[str]:
    count = len(drawn.indices)
    if count < FEW:
        all_there_are = " (all there are)" if count == drawn.of else ""
        return [
            f"calibrated with {count} items{all_there_are}; with fewer than {FEW} "
            "the ranges of rare inputs are missed"
        ]
    return []


def _about_classes(drawn: Drawn) -> list[str]:
    y = drawn.y
    if y is None or y.dtype.kind != "i" or y.ndim != 1 or len(y) < 2:
        return []
    if len(np.unique(y)) == 1:
        return [f"the calibration items are all of one class ({int(y[0])}): draw from all classes"]
    return []


def _about_ranges(drawn: Drawn, preprocess: Preprocess, inputs: Sequence[TensorSpec]) -> list[str]:
    found = []
    feeds = model_feeds(drawn.x, preprocess, inputs)
    for name, x in feeds.items():
        if x.dtype.kind != "f":
            continue
        low, high = float(x.min()), float(x.max())
        said = f"input {name!r} ranges over {low:.4g}..{high:.4g} after preprocessing"
        if low == high:
            found.append(f"{said}: every value is the same")
        elif high - low < NARROW * max(1.0, abs(high), abs(low)):
            found.append(f"{said}: nearly constant; is it scaled twice?")
        elif max(abs(low), abs(high)) > LARGE:
            found.append(f"{said}: is a scale missing?")
        elif preprocess.empty and _looks_like_pixels(x):
            found.append(
                f"{said}: whole numbers up to 255 and no preprocessing declared; right only if "
                "the model rescales its input itself"
            )
    return found


def _looks_like_pixels(x: Array) -> bool:
    return bool(x.min() >= 0 and 127 < x.max() <= 255 and np.array_equal(x, np.floor(x)))

"""Which items of the data a check takes, and their labels in the model's own numbering."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from edgewright.data.feeds import unused
from edgewright_runtimes.errors import BadInput

if TYPE_CHECKING:
    from edgewright.data import DataSet
    from edgewright_runtimes.records import SourceInfo

Array = np.ndarray[Any, Any]
SUBSET_SEED = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Items:
    """``indices``: int64, ascending. ``y`` is theirs, or ``None``."""

    indices: Array
    y: Array | None
    class_names: tuple[str, ...]
    warnings: tuple[str, ...]


def choose_items(data: DataSet, subset: int | None, source: SourceInfo) -> Items:
    """All items, or ``subset`` of them drawn by a fixed seed over the whole set.

    Where the data names its classes and the model has labels, the labels are brought to the
    model's numbers by name: a test set without one of the classes counts differently.
    """
    indices = np.arange(data.items)
    if subset is not None:
        if subset < 1:
            raise BadInput(f"--subset is {subset}; 1 or more items are needed")
        if subset < data.items:
            generator = np.random.default_rng(SUBSET_SEED)
            indices = np.sort(generator.choice(data.items, subset, replace=False))
    y = None if data.y is None else data.y[indices]
    names, labels = data.class_names, tuple(source.labels)
    warnings = (
        *unused(data.shapes, source.inputs, where=data.name, labels=data.labels),
        *_about_calibration(data, source),
    )
    if y is not None and names and labels and names != labels:
        if set(names) <= set(labels) and y.ndim == 1 and y.max() < len(names) and y.min() >= 0:
            y = np.asarray([labels.index(name) for name in names], dtype=np.int64)[y]
        else:
            warnings += (
                f"the data's classes ({', '.join(names[:5])}...) are not the model's labels "
                f"({', '.join(labels[:5])}...): taken by their numbers",
            )
    return Items(indices=indices, y=y, class_names=labels or names, warnings=warnings)


def _about_calibration(data: DataSet, source: SourceInfo) -> tuple[str, ...]:
    if source.calibration.get("sha256") != data.sha256:
        return ()
    samples = source.calibration.get("samples")
    return (
        f"up to {samples} of these items calibrated the integer artifacts, which flatters them: "
        "check with items that were held back",
    )

"""What kind of answer a model gives, judged by its output's shape and the labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgewright.accuracy.metrics import Metric, Task
from edgewright_runtimes.errors import BadInput

Array = np.ndarray[Any, Any]
REGRESSION = ("mae", "rmse", "r2")


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """``y``: int64 [items] for classes, numbers [items, ...] for regression, ``None`` without.

    ``classes``: how many there are, 0 where the output is no list of classes. A single output
    that is compared with 0 or 0.5 has two.
    """

    task: Task
    classes: int
    y: Array | None


def find_task(
    shape: tuple[int | None, ...],
    y: Array | None,
    metrics: Sequence[Metric] = (),
    *,
    reconstructs: bool = False,
) -> Labelled:
    """The task of an output whose item has ``shape``. Raises ``BadInput``: labels out of range.

    Labels are classes where they are whole numbers and the output is one score per class, or
    one-hot rows of its shape, or 0 and 1 for a single output; everything else is regression, as
    it is where a metric of regression was asked for. ``reconstructs``: the output is an image of
    the input, so no list of classes.
    """
    width = _width(shape)
    if y is None:
        # one score is a decision between two only where somebody says so by asking for agreement
        decides = width >= 2 or (width == 1 and any(m.kind == "agreement" for m in metrics))
        answers = max(width, 2) if decides and not reconstructs else 0
        return Labelled(task="unlabelled", classes=answers, y=None)
    if not any(m.kind in REGRESSION for m in metrics):
        classes = _class_labels(width, y)
        if classes is not None:
            task: Task = "two-class" if width <= 2 else "classes"
            return Labelled(task=task, classes=max(width, 2), y=classes)
    return Labelled(task="regression", classes=0, y=_values(shape, y))


def _width(shape: tuple[int | None, ...]) -> int:
    """Scores of one item; 0 where it is not one row of scores."""
    rows = [n for n in shape if n != 1]
    if len(rows) > 1 or None in rows:
        return 0
    return int(rows[0] or 0) if rows else 1


def _class_labels(width: int, y: Array) -> Array | None:
    if width == 0 or not np.array_equal(y, np.floor(y)):
        return None
    if y.ndim == 2 and y.shape[1] == width and width >= 2:
        hot = ((y == 0) | (y == 1)).all() and (y.sum(axis=1) == 1).all()
        return y.argmax(axis=1).astype(np.int64) if hot else None
    if y.ndim != 1:
        return None
    if width == 1:
        return y.astype(np.int64) if ((y == 0) | (y == 1)).all() else None
    low, high = int(y.min()), int(y.max())
    if low < 0 or high >= width:
        raise BadInput(
            f"labels run from {low} to {high}, the model has {width} classes: 0 to {width - 1}",
            hint="number the classes from 0 in the order of the model's outputs",
        )
    return y.astype(np.int64)


def _values(shape: tuple[int | None, ...], y: Array) -> Array:
    wanted = [n for n in shape if n != 1]
    have = [n for n in y.shape[1:] if n != 1]
    known = None not in wanted
    if known and wanted != have:
        raise BadInput(
            f"labels of shape {list(y.shape[1:])} for an output of shape {list(shape)}",
            hint="whole numbers from 0 for classes, an array of the output's shape for values",
        )
    return y if y.dtype.kind in "iu" else y.astype(np.float32)

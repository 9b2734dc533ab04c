"""Confusion matrices, and the four rates of every class.

With TP, FP, FN, TN of one class against all others: precision TP/(TP+FP), recall TP/(TP+FN),
false-positive rate FP/(FP+TN), false-negative rate FN/(TP+FN).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from edgewright.accuracy.results import ClassRow, Rates

Array = np.ndarray[Any, Any]


def confusion_matrix(y: Array, predicted: Array, classes: int) -> Array:
    """int64 [classes, classes]: rows are labels, columns answers."""
    counts = np.bincount(y * classes + predicted, minlength=classes * classes)
    return counts.reshape(classes, classes)


def rates(confusion: Array, index: int) -> Rates:
    hit = int(confusion[index, index])
    of_class, answered = int(confusion[index].sum()), int(confusion[:, index].sum())
    others = int(confusion.sum()) - of_class
    return Rates(
        precision=_share(hit, answered),
        recall=_share(hit, of_class),
        false_positive_rate=_share(answered - hit, others),
        false_negative_rate=_share(of_class - hit, of_class),
    )


def class_rows(source: Array, artifact: Array, names: Sequence[str]) -> tuple[ClassRow, ...]:
    """One row a class, from the two confusion matrices."""
    return tuple(
        ClassRow(
            index=i,
            name=names[i] if i < len(names) else str(i),
            items=int(artifact[i].sum()),
            source=rates(source, i),
            artifact=rates(artifact, i),
        )
        for i in range(len(artifact))
    )


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None

"""A metric on columns: for a proportion the items it counts and the hits among them, for the
rest a function of chosen items, so that a bootstrap can choose them again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from edgewright.accuracy.columns import Answers
from edgewright.accuracy.metrics import TABLE, Metric, fits
from edgewright.accuracy.task import Labelled
from edgewright_runtimes.errors import BadInput, UnknownName

Array = np.ndarray[Any, Any]
TASK_WORDS = {
    "two-class": "decision between two classes",
    "classes": "choice among more than two classes",
    "regression": "regression",
}
Statistic = Callable[[Array], Array]  # item numbers [rows, count] to the metric's value [rows]


def check_metric(metric: Metric, labelled: Labelled, names: tuple[str, ...]) -> None:
    """``BadInput`` or ``UnknownName`` where the metric says nothing of this task or its classes."""
    task = labelled.task
    if not fits(metric, task):
        fitting = ", ".join(n for n, row in TABLE.items() if task in row.tasks)
        of = "data without labels" if task == "unlabelled" else f"a {TASK_WORDS[task]}"
        raise BadInput(f"{metric.name} is no metric of {of}; it has {fitting}")
    if metric.kind == "top5" and labelled.classes <= 5:
        raise BadInput(f"top5 says nothing of {labelled.classes} classes")
    if metric.kind == "agreement" and not labelled.classes:
        raise BadInput("agreement is of answers by class, and the output is no list of classes")
    class_index(metric, labelled, names)


def class_index(metric: Metric, labelled: Labelled, names: tuple[str, ...]) -> int:
    """The class a rate speaks of: by name or number; class 1 where none is given."""
    if not metric.of_class:
        return min(1, labelled.classes - 1)
    if metric.of_class in names:
        return names.index(metric.of_class)
    if metric.of_class.isdecimal() and int(metric.of_class) < labelled.classes:
        return int(metric.of_class)
    known = names or [str(i) for i in range(labelled.classes)]
    raise UnknownName("class", metric.of_class, known)


def hits(
    metric: Metric, labelled: Labelled, of_class: int, side: Answers, source: Answers
) -> tuple[Array, Array]:
    """For a proportion: bool [items] which items count, and which of all are hits."""
    y = labelled.y
    everything = np.ones(len(side.predicted), bool)
    if metric.kind == "agreement":
        return everything, side.predicted == source.predicted
    if y is None:
        raise BadInput(f"{metric.name} needs labels, and the data has none")
    answered = side.predicted == of_class
    table: dict[str, tuple[Array, Array]] = {
        "accuracy": (everything, side.predicted == y),
        "top5": (everything, side.top5.astype(bool)),
        "recall": (y == of_class, answered),
        "fnr": (y == of_class, ~answered),
        "fpr": (y != of_class, answered),
    }
    return table[metric.kind]


def statistic(metric: Metric, labelled: Labelled, of_class: int, side: Answers) -> Statistic:
    """For the rest: the metric's value on each row of chosen items; NaN where undefined."""
    if metric.kind == "reconstruction":
        return lambda i: _means(side.reconstruction, i)
    y = labelled.y
    if y is None:
        raise BadInput(f"{metric.name} needs labels, and the data has none")
    table: dict[str, Callable[[], Statistic]] = {
        "mae": lambda: lambda i: _means(side.absolute, i),
        "rmse": lambda: lambda i: np.sqrt(_means(side.squared.mean(axis=1), i)),
        "r2": lambda: _r2(side.squared, y),
        "auc": lambda: _area_under_roc(y == 1, side.score),
        "precision": lambda: _precision(y == of_class, side.predicted == of_class),
    }
    return table[metric.kind]()


def _means(values: Array, chosen: Array) -> Array:
    means: Array = values[chosen].mean(axis=1)
    return means


def _area_under_roc(positive: Array, score: Array) -> Statistic:
    """The chance that a positive item scores above a negative one, ties counting half.

    The Mann-Whitney form of the area (Hanley and McNeil, 1982). The scores are ranked once;
    each row then needs two counts per rank and no sorting.
    """
    _, rank = np.unique(score, return_inverse=True)
    ranks = int(rank.max()) + 1 if len(rank) else 0

    def area(chosen: Array) -> float:
        is_positive = positive[chosen]
        hit = np.bincount(rank[chosen[is_positive]], minlength=ranks)
        miss = np.bincount(rank[chosen[~is_positive]], minlength=ranks)
        pairs = float(hit.sum()) * float(miss.sum())
        below = miss.cumsum() - miss / 2
        return float(hit @ below) / pairs if pairs else float("nan")

    return lambda i: np.asarray([area(row) for row in i])


def _r2(squared: Array, y: Array) -> Statistic:
    """1 - SSE/SST, the mean over the outputs; NaN where the chosen labels do not vary."""
    values = y.reshape(len(y), -1).astype(np.float64)
    values = values - values.mean(axis=0)

    def share(chosen: Array) -> Array:
        picked = values[chosen]
        total = ((picked - picked.mean(axis=1, keepdims=True)) ** 2).sum(axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            shares: Array = 1 - squared[chosen].sum(axis=1) / total
        return np.where(np.isfinite(shares).all(axis=1), shares.mean(axis=1), np.nan)

    return share


def _precision(labelled: Array, answered: Array) -> Statistic:
    right = labelled & answered

    def share(chosen: Array) -> Array:
        with np.errstate(divide="ignore", invalid="ignore"):
            shares: Array = right[chosen].sum(axis=1) / answered[chosen].sum(axis=1)
        return shares

    return share


def function_statistic(metric: Metric, y: Array | None, outputs: Array) -> Statistic:
    """The user's ``f(labels, outputs) -> float``, called once a row of item numbers.

    ``outputs`` may lie on disk, and what the function gets of it then may too (read-only).
    """
    from edgewright.accuracy.drawing import draw
    from edgewright_converters.user_function import load_function

    function = load_function(metric.name)

    def values(chosen: Array) -> Array:
        return np.asarray([_called(row) for row in chosen], dtype=np.float64)

    def _called(row: Array) -> float:
        try:
            return float(function(None if y is None else y[row], draw(outputs, row)))
        except Exception as e:
            raise BadInput(f"{metric.name} failed: {type(e).__name__}: {e}") from e

    return values

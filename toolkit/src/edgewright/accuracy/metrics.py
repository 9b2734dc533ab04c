"""The metrics by name: which way is better, what unit, what they need.

``accuracy``, ``top5``, ``agreement`` and the rates of a class (``recall@CLASS``, ``fnr@CLASS``,
``fpr@CLASS``) are proportions of items; ``precision@CLASS``, ``auc``, ``mae``, ``rmse``, ``r2``
and ``reconstruction`` are not (their denominators differ between source and artifact, or there
are none). Without ``@CLASS`` the rates are those of class 1, of two classes the positive one.
``module:function`` is a function of yours: ``f(labels, outputs) -> float``, higher is better
unless it carries the attribute ``better = "lower"``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from edgewright_runtimes.errors import BadInput, UnknownName

Better = Literal["higher", "lower"]
Task = Literal["two-class", "classes", "regression", "unlabelled"]
CLASSES: tuple[Task, ...] = ("two-class", "classes")


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """``kind`` is the row of the table below; ``of_class`` the class of a rate, as typed."""

    name: str
    kind: str
    better: Better
    proportion: bool
    of_class: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    better: Better
    proportion: bool
    tasks: tuple[Task, ...]
    per_class: bool = False


TABLE: dict[str, Row] = {
    "accuracy": Row("higher", True, CLASSES),
    "top5": Row("higher", True, ("classes",)),
    "agreement": Row("higher", True, (*CLASSES, "unlabelled")),
    "recall": Row("higher", True, CLASSES, per_class=True),
    "fnr": Row("lower", True, CLASSES, per_class=True),
    "fpr": Row("lower", True, CLASSES, per_class=True),
    "precision": Row("higher", False, CLASSES, per_class=True),
    "auc": Row("higher", False, ("two-class",)),
    "mae": Row("lower", False, ("regression",)),
    "rmse": Row("lower", False, ("regression",)),
    "r2": Row("higher", False, ("regression",)),
    "reconstruction": Row("lower", False, ("unlabelled", "regression", *CLASSES)),
}
DEFAULTS: dict[Task, tuple[str, ...]] = {
    "two-class": ("accuracy", "fnr", "fpr", "auc"),
    "classes": ("accuracy", "top5"),
    "regression": ("mae", "rmse", "r2"),
    "unlabelled": ("agreement",),
}


def metric_named(name: str) -> Metric:
    """Raises ``UnknownName``, or ``BadInput`` where a class is named and there is none."""
    if ":" in name:
        return Metric(name=name, kind="function", better=_better_of(name), proportion=False)
    kind, at, of_class = name.partition("@")
    if kind not in TABLE:
        raise UnknownName("metric", kind, [*TABLE, "module:function"])
    row = TABLE[kind]
    if at and (not row.per_class or not of_class):
        raise BadInput(f"metric {name!r}: {kind} is not of one class", hint=f"type {kind}")
    return Metric(
        name=name, kind=kind, better=row.better, proportion=row.proportion, of_class=of_class
    )


def fits(metric: Metric, task: Task) -> bool:
    """Whether the metric says anything about such a task; a function of the user's always may."""
    return metric.kind == "function" or task in TABLE[metric.kind].tasks


def default_metrics(task: Task, classes: int) -> tuple[str, ...]:
    """What is shown where nobody asked: for two classes the false negatives always."""
    names = DEFAULTS[task]
    if classes <= 5:
        names = tuple(n for n in names if n != "top5")
    if task == "unlabelled" and classes < 2:
        names = ()
    return names


def _better_of(spec: str) -> Better:
    from edgewright_converters.user_function import load_function

    better = getattr(load_function(spec), "better", "higher")
    if better not in ("higher", "lower"):
        raise BadInput(f"{spec}: its attribute better is {better!r}, 'higher' or 'lower' is known")
    return "lower" if better == "lower" else "higher"

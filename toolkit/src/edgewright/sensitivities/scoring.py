"""Task metrics of a trial's outputs: those that ``check`` has, on the same items."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edgewright.accuracy.columns import read_columns
from edgewright.accuracy.metrics import Metric, default_metrics, metric_named
from edgewright.accuracy.output_file import OutputReader
from edgewright.accuracy.scores import Scorer
from edgewright.accuracy.statistic import check_metric
from edgewright.accuracy.task import Labelled, find_task
from edgewright_runtimes.errors import BadInput

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Metrics:
    """``chosen`` are asked for, or the task's first default; none where it has none."""

    chosen: tuple[Metric, ...]
    labelled: Labelled
    class_names: tuple[str, ...]
    expected: OutputReader

    @property
    def better(self) -> dict[str, str]:
        return {metric.name: metric.better for metric in self.chosen}

    def of(self, outputs: Path) -> dict[str, float]:
        """The metrics of the outputs in a file; NaN where one is not defined."""
        got = OutputReader(outputs)
        functions = any(metric.kind == "function" for metric in self.chosen)
        first = next(iter(self.expected.shapes))
        scorer = Scorer(
            columns=read_columns(self.expected, got, self.labelled),
            labelled=self.labelled,
            class_names=self.class_names,
            outputs=(self.expected.mapped(first), got.mapped(first)) if functions else None,
        )
        found = {metric.name: scorer.score(metric).score.artifact for metric in self.chosen}
        return {name: value for name, value in found.items() if value is not None}


def find_metrics(
    expected: Path, y: Array | None, names: Sequence[str], class_names: tuple[str, ...]
) -> Metrics:
    """``expected`` holds the float artifact's outputs. Raises ``BadInput`` for a metric that says
    nothing of this task."""
    reader = OutputReader(expected)
    asked = tuple(metric_named(name) for name in names)
    if any(metric.kind == "reconstruction" for metric in asked):
        raise BadInput("reconstruction is no metric of sensitivity", hint="leave out --metric")
    labelled = find_task(next(iter(reader.shapes.values())), y, asked)
    usual = default_metrics(labelled.task, labelled.classes)[:1]
    chosen = asked or tuple(metric_named(name) for name in usual)
    for metric in chosen:
        check_metric(metric, labelled, class_names)
    return Metrics(chosen=chosen, labelled=labelled, class_names=class_names, expected=reader)

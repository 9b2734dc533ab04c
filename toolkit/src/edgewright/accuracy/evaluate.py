"""An evaluation, read: every metric, interval and decision from the outputs that were stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from edgewright.accuracy.classes import class_rows, confusion_matrix
from edgewright.accuracy.columns import Columns, read_columns
from edgewright.accuracy.gates import read_gate
from edgewright.accuracy.metrics import Metric, default_metrics, metric_named
from edgewright.accuracy.output_file import OutputReader, pair_names
from edgewright.accuracy.results import ClassRow, Result, Ties
from edgewright.accuracy.scores import Scored, Scorer, decide_gate
from edgewright.accuracy.statistic import check_metric
from edgewright.accuracy.stored import Files
from edgewright.accuracy.task import Labelled, find_task
from edgewright_runtimes.workload import load_arrays

if TYPE_CHECKING:
    from edgewright.bundle import Bundle
    from edgewright_runtimes.records import Evaluation

Array = np.ndarray[Any, Any]


def evaluate(bundle: Bundle, evaluation: Evaluation) -> Result:
    """Compute what a stored evaluation says; nothing but files of the bundle is read.

    The metrics are those it was made with, or the task's defaults, and those of its gates.
    Raises ``BadInput`` where a file is damaged, or a metric says nothing of this task.
    """
    gates = tuple(read_gate(text) for text in evaluation.gates)
    asked = [metric_named(name) for name in evaluation.metrics]
    opened = _open(bundle, evaluation, [*asked, *(g.metric for g in gates)])
    labelled = opened.labelled
    shown = asked or [metric_named(n) for n in default_metrics(labelled.task, labelled.classes)]
    metrics = {m.name: m for m in [*shown, *(g.metric for g in gates)]}
    for metric in metrics.values():
        check_metric(metric, labelled, opened.class_names)
    columns = read_columns(opened.source, opened.artifact, labelled, opened.targets)
    functions = any(m.kind == "function" for m in metrics.values())
    scorer = Scorer(
        columns=columns,
        labelled=labelled,
        class_names=opened.class_names,
        outputs=opened.whole_outputs() if functions else None,
    )
    scored = {name: scorer.score(metric) for name, metric in metrics.items()}
    return _result(evaluation, opened, columns, scored, gates)


def _result(
    evaluation: Evaluation,
    opened: _Opened,
    columns: Columns,
    scored: dict[str, Scored],
    gates: Sequence[Any],
) -> Result:
    confusion = _confusions(opened.labelled, columns)
    rows: tuple[ClassRow, ...] = ()
    if confusion is not None:
        rows = class_rows(confusion[0], confusion[1], opened.class_names)
    return Result(
        artifact=evaluation.artifact,
        runtime=evaluation.runtime,
        target=evaluation.target,
        data=evaluation.data,
        items=evaluation.items,
        task=opened.labelled.task,
        scores=tuple(s.score for s in scored.values()),
        gates=tuple(decide_gate(gate, scored[gate.metric.name]) for gate in gates),
        classes=rows,
        confusion=_plain(confusion[1]) if confusion else (),
        source_confusion=_plain(confusion[0]) if confusion else (),
        ties=_ties(opened.labelled, columns),
        differences=columns.differences,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Opened:
    source: OutputReader
    artifact: OutputReader
    targets: OutputReader | None
    labelled: Labelled
    class_names: tuple[str, ...]

    def whole_outputs(self) -> tuple[Array, Array]:
        """Both sides' first output of all items, still on disk."""
        name, theirs = next(iter(pair_names(self.source.shapes, self.artifact.shapes).items()))
        return self.source.mapped(name), self.artifact.mapped(theirs)


def _open(bundle: Bundle, evaluation: Evaluation, metrics: Sequence[Metric]) -> _Opened:
    source = OutputReader(bundle.array_file(evaluation.source_outputs_file))
    shape = next(iter(source.shapes.values()))
    reconstructs = any(m.kind == "reconstruction" for m in metrics)
    targets = bundle.array_file(Files(job=evaluation.job).targets)
    info = bundle.source
    y, names = None, tuple(info.labels) if info else ()
    if evaluation.labels_file:
        arrays = load_arrays(bundle.array_file(evaluation.labels_file))
        y, names = arrays["y"], names or tuple(str(n) for n in arrays["class_names"])
    return _Opened(
        source=source,
        artifact=OutputReader(bundle.array_file(evaluation.outputs_file)),
        targets=OutputReader(targets) if reconstructs else None,
        labelled=find_task(shape, y, metrics, reconstructs=reconstructs),
        class_names=names,
    )


def _confusions(labelled: Labelled, columns: Columns) -> tuple[Array, Array] | None:
    if labelled.y is None or not labelled.classes:
        return None
    return (
        confusion_matrix(labelled.y, columns.source.predicted, labelled.classes),
        confusion_matrix(labelled.y, columns.artifact.predicted, labelled.classes),
    )


def _ties(labelled: Labelled, columns: Columns) -> Ties | None:
    if not labelled.classes:
        return None
    tied = columns.margin < columns.tie_below
    other = columns.source.predicted != columns.artifact.predicted
    return Ties(
        below=columns.tie_below,
        items=int(tied.sum()),
        disagreements=int(other.sum()),
        on_ties=int((tied & other).sum()),
    )


def _plain(matrix: Array) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(int(n) for n in row) for row in matrix)

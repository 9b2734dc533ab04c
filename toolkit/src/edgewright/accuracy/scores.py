"""A metric's value on both sides, how far it got worse with its interval, and a gate's decision."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgewright.accuracy.columns import Columns
from edgewright.accuracy.gates import Gate
from edgewright.accuracy.intervals import (
    RESAMPLES,
    Decision,
    Interval,
    Pairs,
    bca_interval,
    count_pairs,
    decide,
    items_needed,
    mcnemar_p,
    pairs_needed,
    tango_interval,
)
from edgewright.accuracy.metrics import Metric
from edgewright.accuracy.results import GateResult, Score
from edgewright.accuracy.statistic import (
    Statistic,
    class_index,
    function_statistic,
    hits,
    statistic,
)
from edgewright.accuracy.task import Labelled
from edgewright_runtimes.errors import BadInput

Array = np.ndarray[Any, Any]
MANY_ITEMS = 20_000  # above it, or with a function of the user's, fewer resamples are drawn
FEWER_RESAMPLES = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """A score with what decided it: the worsening, and for a proportion its pairs."""

    score: Score
    worsening: Interval | None = None
    pairs: Pairs | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scorer:
    """Scores the metrics of one artifact. ``outputs`` are both sides' first outputs, still on
    disk, for functions of the user's only.
    """

    columns: Columns
    labelled: Labelled
    class_names: tuple[str, ...]
    outputs: tuple[Array, Array] | None = None

    def score(self, metric: Metric) -> Scored:
        """The metric must fit the task (``check_metric``)."""
        return self._proportion(metric) if metric.proportion else self._value(metric)

    def _proportion(self, metric: Metric) -> Scored:
        index = class_index(metric, self.labelled, self.class_names) if _of_class(metric) else 0
        ours, theirs = self.columns.source, self.columns.artifact
        counted, source = hits(metric, self.labelled, index, ours, ours)
        _, artifact = hits(metric, self.labelled, index, theirs, ours)
        source, artifact = source[counted], artifact[counted]
        if not len(source):
            return Scored(score=_blank(metric, 0, "no item of this class among the labels"))
        good = metric.better == "higher"
        pairs = count_pairs(source, artifact) if good else count_pairs(~source, ~artifact)
        worsening = tango_interval(pairs)
        score = _paired(
            metric,
            float(source.mean()),
            float(artifact.mean()),
            worsening,
            p_value=mcnemar_p(pairs),
        )
        return Scored(score=score, worsening=worsening, pairs=pairs)

    def _value(self, metric: Metric) -> Scored:
        source, artifact = self._statistics(metric)
        items = self._items()
        everything = np.arange(items)[None, :]
        at_source, at_artifact = float(source(everything)[0]), float(artifact(everything)[0])
        if not (math.isfinite(at_source) and math.isfinite(at_artifact)):
            return Scored(score=_blank(metric, items, "not defined on these items"))
        sign = 1.0 if metric.better == "lower" else -1.0

        def worsening_of(chosen: Array) -> Array:
            before = source(chosen)
            with np.errstate(divide="ignore", invalid="ignore"):
                worse: Array = sign * (artifact(chosen) - before) / np.abs(before)
            return worse

        score = Score(
            metric=metric.name,
            better=metric.better,
            proportion=False,
            items=items,
            source=at_source,
            artifact=at_artifact,
        )
        if at_source == 0:
            return Scored(
                score=_because(score, "the source's value is 0: nothing is relative to it")
            )
        few = metric.kind == "function" or items > MANY_ITEMS
        try:
            worsening = bca_interval(
                worsening_of, items, resamples=FEWER_RESAMPLES if few else RESAMPLES
            )
        except BadInput as e:
            change = (at_artifact - at_source) / abs(at_source)
            return Scored(score=_because(score, str(e.args[0]), change=change))
        return Scored(score=_paired(metric, at_source, at_artifact, worsening), worsening=worsening)

    def _statistics(self, metric: Metric) -> tuple[Statistic, Statistic]:
        if metric.kind == "function":
            if self.outputs is None:
                raise BadInput(f"{metric.name}: the outputs were not opened")
            y = self.labelled.y
            source, artifact = self.outputs
            return function_statistic(metric, y, source), function_statistic(metric, y, artifact)
        index = class_index(metric, self.labelled, self.class_names) if _of_class(metric) else 0
        return (
            statistic(metric, self.labelled, index, self.columns.source),
            statistic(metric, self.labelled, index, self.columns.artifact),
        )

    def _items(self) -> int:
        if self.outputs is not None:
            return len(self.outputs[0])
        ours = self.columns.source
        return max(len(ours.predicted), len(ours.absolute), len(ours.reconstruction))


def decide_gate(gate: Gate, scored: Scored) -> GateResult:
    """Without an interval nothing is decided: not enough data."""
    if scored.worsening is None:
        return GateResult(gate=gate.text, score=scored.score, decision=Decision.NOT_ENOUGH_DATA)
    decision = decide(scored.worsening, gate.limit)
    needed = None
    if decision is Decision.NOT_ENOUGH_DATA and scored.pairs is not None:
        needed = pairs_needed(scored.pairs, gate.limit)
    elif decision is Decision.NOT_ENOUGH_DATA:
        needed = items_needed(scored.worsening, gate.limit)
    return GateResult(gate=gate.text, score=scored.score, decision=decision, items_needed=needed)


def _of_class(metric: Metric) -> bool:
    return metric.kind in ("recall", "fnr", "fpr", "precision")


def _paired(
    metric: Metric,
    source: float,
    artifact: float,
    worsening: Interval,
    *,
    p_value: float | None = None,
) -> Score:
    """The worsening as the change that a reader sees: up is up, whichever way is better."""
    low, high = worsening.low, worsening.high
    change = worsening.estimate
    if metric.better == "higher":
        change, low, high = 0.0 - change, 0.0 - high, 0.0 - low
    return Score(
        metric=metric.name,
        better=metric.better,
        proportion=metric.proportion,
        items=worsening.items,
        source=source,
        artifact=artifact,
        change=change,
        low=low,
        high=high,
        p_value=p_value,
        method=worsening.method,
    )


def _blank(metric: Metric, items: int, reason: str) -> Score:
    return Score(
        metric=metric.name,
        better=metric.better,
        proportion=metric.proportion,
        items=items,
        source=None,
        artifact=None,
        reason=reason,
    )


def _because(score: Score, reason: str, *, change: float | None = None) -> Score:
    from dataclasses import replace

    return replace(score, reason=reason, change=change)

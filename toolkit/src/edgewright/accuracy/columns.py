"""From outputs on disk to a few numbers per item, in one streamed pass over both files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import repeat
from typing import Any

import numpy as np

from edgewright.accuracy.output_file import OutputReader, pair_names
from edgewright.accuracy.task import Labelled

Array = np.ndarray[Any, Any]
PIECE = 1024
TIE = 1e-4  # of the source's output range: a top-2 margin below it says nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """One side's answers, [items] each; empty where the task has no such thing.

    ``score`` is the positive class's (two classes only); ``squared`` and ``absolute`` are errors
    [items, values] and [items]; ``reconstruction`` is the mean square of output minus input.
    """

    predicted: Array
    top5: Array
    score: Array
    squared: Array
    absolute: Array
    reconstruction: Array


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """How far one output is from the source's, over all items and values.

    ``cosine`` is the mean over the items, ``least_cosine`` the worst item's.
    """

    output: str
    largest: float
    mean: float
    cosine: float
    least_cosine: float
    source_range: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    source: Answers
    artifact: Answers
    margin: Array  # the source's top-2 margin, [items]; empty without classes
    tie_below: float
    differences: tuple[Difference, ...]


def read_columns(
    source: OutputReader,
    artifact: OutputReader,
    labelled: Labelled,
    targets: OutputReader | None = None,
) -> Columns:
    """Reduce the two files. The first output is the one that labels speak of.

    ``targets`` are the model's own inputs, where it is to reconstruct them.
    """
    names = pair_names(source.shapes, artifact.shapes)
    first = next(iter(names))
    threshold = _find_threshold(source, first) if labelled.classes == 2 else 0.0
    ours, theirs = _Side(labelled, threshold), _Side(labelled, threshold)
    gaps = {name: _Gap() for name in names}
    start = 0
    wanted: Iterator[Mapping[str, Array]] = targets.pieces(PIECE) if targets else repeat({})
    for left, right in _paired(source, artifact, names):
        stop = start + len(left[first])
        y = None if labelled.y is None else labelled.y[start:stop]
        ours.add(left[first], y)
        theirs.add(right[first], y)
        for name, gap in gaps.items():
            gap.add(left[name], right[name])
        for inputs in next(wanted).values():
            ours.add_target(left[first], inputs)
            theirs.add_target(right[first], inputs)
        start = stop
    return Columns(
        source=ours.answers(),
        artifact=theirs.answers(),
        margin=ours.margins(),
        tie_below=TIE * gaps[first].range,
        differences=tuple(gap.difference(name) for name, gap in gaps.items()),
    )


def _paired(
    source: OutputReader, artifact: OutputReader, names: Mapping[str, str]
) -> Iterator[tuple[Mapping[str, Array], Mapping[str, Array]]]:
    """Pieces of both under the source's names. Whole numbers are held against floats as floats:
    what one side's float32 can't tell apart is no difference.
    """
    for ours, theirs in zip(source.pieces(PIECE), artifact.pieces(PIECE), strict=True):
        left, right = {}, {}
        for name, other in names.items():
            a, b = ours[name], theirs[other]
            mixed = (a.dtype.kind == "f") != (b.dtype.kind == "f")
            left[name] = a.astype(np.float32) if mixed else a
            right[name] = b.astype(np.float32) if mixed else b
        yield left, right


def _find_threshold(source: OutputReader, first: str) -> float:
    """Where a single output turns from class 0 to 1: 0.5 where all of it lies within 0..1, else 0
    (it gives logits).
    """
    for piece in source.pieces(PIECE):
        if piece[first].min() < 0 or piece[first].max() > 1:
            return 0.0
    return 0.5


class _Side:
    def __init__(self, labelled: Labelled, threshold: float) -> None:
        self._task, self._classes, self._threshold = labelled.task, labelled.classes, threshold
        self._parts: dict[str, list[Array]] = {}

    def add(self, outputs: Array, y: Array | None) -> None:
        rows = outputs.reshape(len(outputs), -1)
        if self._classes and rows.shape[1] == 1:
            self._add_single(rows[:, 0])
        elif self._classes:
            self._add_scores(rows, y)
        if self._task == "regression" and y is not None:
            errors = rows.astype(np.float64) - y.reshape(len(rows), -1)
            self._keep(squared=errors**2, absolute=np.abs(errors).mean(axis=1))

    def add_target(self, outputs: Array, inputs: Array) -> None:
        gap = outputs.reshape(len(outputs), -1) - inputs.reshape(len(inputs), -1)
        self._keep(reconstruction=(gap.astype(np.float64) ** 2).mean(axis=1))

    def _add_single(self, scores: Array) -> None:
        margin = 2 * np.abs(scores - np.float32(self._threshold))  # p against 1 - p
        positive = scores >= self._threshold
        self._keep(predicted=positive.astype(np.int64), score=scores, margin=margin)

    def _add_scores(self, rows: Array, y: Array | None) -> None:
        ordered = np.partition(rows, -2, axis=1)
        self._keep(predicted=rows.argmax(axis=1), margin=ordered[:, -1] - ordered[:, -2])
        if rows.shape[1] == 2:
            self._keep(score=np.subtract(rows[:, 1], rows[:, 0], dtype=np.float64))
        if y is not None and rows.shape[1] > 5:
            best = np.argpartition(rows, -5, axis=1)[:, -5:]
            self._keep(top5=(best == y[:, None]).any(axis=1))

    def _keep(self, **columns: Array) -> None:
        for name, values in columns.items():
            self._parts.setdefault(name, []).append(values)

    def margins(self) -> Array:
        return self._joined("margin")

    def answers(self) -> Answers:
        return Answers(
            predicted=self._joined("predicted"),
            top5=self._joined("top5"),
            score=self._joined("score"),
            squared=self._joined("squared"),
            absolute=self._joined("absolute"),
            reconstruction=self._joined("reconstruction"),
        )

    def _joined(self, name: str) -> Array:
        parts = self._parts.get(name)
        return np.concatenate(parts) if parts else np.zeros(0)


class _Gap:
    def __init__(self) -> None:
        self._largest, self._sum, self._values = 0.0, 0.0, 0
        self._low, self._high = np.inf, -np.inf
        self._cosine_sum, self._least_cosine, self._items = 0.0, 1.0, 0

    @property
    def range(self) -> float:
        return float(self._high - self._low)

    def add(self, source: Array, artifact: Array) -> None:
        left = source.reshape(len(source), -1).astype(np.float64)
        right = artifact.reshape(len(artifact), -1).astype(np.float64)
        gap = _distance(source, artifact).reshape(left.shape)
        self._largest = max(self._largest, float(gap.max()))
        self._sum += float(gap.sum())
        self._values += gap.size
        self._low, self._high = min(self._low, left.min()), max(self._high, left.max())
        lengths = np.linalg.norm(left, axis=1) * np.linalg.norm(right, axis=1)
        dots = (left * right).sum(axis=1)
        equal = (gap == 0).all(axis=1)  # two zero vectors are alike, though they have no angle
        cosines = np.where(equal, 1.0, dots / np.maximum(lengths, np.finfo(np.float64).tiny))
        self._cosine_sum += float(cosines.sum())
        self._least_cosine = min(self._least_cosine, float(cosines.min()))
        self._items += len(left)

    def difference(self, name: str) -> Difference:
        return Difference(
            output=name,
            largest=self._largest,
            mean=self._sum / self._values,
            cosine=self._cosine_sum / self._items,
            least_cosine=self._least_cosine,
            source_range=self.range,
        )


def _distance(left: Array, right: Array) -> Array:
    """|left - right| as float64; whole numbers are subtracted as such, exact beyond 2**53."""
    if not (np.can_cast(left.dtype, np.int64) and np.can_cast(right.dtype, np.int64)):
        return np.abs(left.astype(np.float64) - right.astype(np.float64))
    one, other = left.astype(np.int64), right.astype(np.int64)
    # modulo 2**64 the larger minus the smaller is right, whatever their signs
    return (np.maximum(one, other) - np.minimum(one, other)).view(np.uint64).astype(np.float64)

"""What is known of an artifact's accuracy, computed from stored outputs whenever it is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from edgewright.accuracy.columns import Difference
from edgewright.accuracy.intervals import Decision
from edgewright.accuracy.metrics import Better, Task
from edgewright_runtimes.records import Failure

DO_NOT_SHIP, NOT_ENOUGH_DATA, IN_PART, NOTHING = 4, 5, 3, 1  # exit codes
WORST_FIRST = (Decision.DO_NOT_SHIP, Decision.NOT_ENOUGH_DATA, Decision.SHIP)


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """One metric on both sides, paired on the same items.

    ``change`` is artifact minus source for a proportion, and relative to the source's value for
    the rest, with ``low`` and ``high`` its interval by ``method``; where something is ``None``,
    ``reason`` says why. ``items``: how many the metric counts. ``p_value``: McNemar's,
    proportions only.
    """

    metric: str
    better: Better
    proportion: bool
    items: int
    source: float | None
    artifact: float | None
    change: float | None = None
    low: float | None = None
    high: float | None = None
    p_value: float | None = None
    method: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class GateResult:
    """One gate's decision; ``items_needed`` of the same kind would decide it."""

    gate: str
    score: Score
    decision: Decision
    items_needed: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """One class, one side. A rate without items to count is ``None``."""

    precision: float | None
    recall: float | None
    false_positive_rate: float | None
    false_negative_rate: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassRow:
    """One class: ``items`` have it as their label."""

    index: int
    name: str
    items: int
    source: Rates
    artifact: Rates


@dataclass(frozen=True, slots=True, kw_only=True)
class Ties:
    """Items where the source itself can't tell: its top-2 margin is under ``below``.

    ``disagreements`` are items with another answer than the source's, ``on_ties`` of them ties.
    """

    below: float
    items: int
    disagreements: int
    on_ties: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """An evaluation, read. ``confusion`` is of the artifact: rows labels, columns answers."""

    artifact: str
    runtime: str
    target: str
    data: str
    items: int
    task: Task
    scores: tuple[Score, ...]
    gates: tuple[GateResult, ...]
    classes: tuple[ClassRow, ...]
    confusion: tuple[tuple[int, ...], ...]
    source_confusion: tuple[tuple[int, ...], ...]
    ties: Ties | None
    differences: tuple[Difference, ...]

    @property
    def decision(self) -> Decision | None:
        """The worst of the gates'; ``None`` where nothing is gated."""
        decisions = {gate.decision for gate in self.gates}
        return next((d for d in WORST_FIRST if d in decisions), None)

    def score(self, metric: str) -> Score | None:
        return next((s for s in self.scores if s.metric == metric), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """``not_here``: artifacts and runtimes that the target can't run, and why; no failures."""

    bundle: Path
    data: str
    items: int
    results: tuple[Result, ...]
    failures: tuple[Failure, ...]
    not_here: Mapping[str, str]
    warnings: tuple[str, ...]

    @property
    def decision(self) -> Decision | None:
        """The worst of all artifacts'; ``None`` where nothing was gated."""
        found = {result.decision for result in self.results}
        return next((d for d in WORST_FIRST if d in found), None)

    @property
    def exit_code(self) -> int:
        if self.decision is Decision.DO_NOT_SHIP:
            return DO_NOT_SHIP
        if self.decision is Decision.NOT_ENOUGH_DATA:
            return NOT_ENOUGH_DATA
        if self.failures:
            return IN_PART if self.results else NOTHING
        return 0

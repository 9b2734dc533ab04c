"""What will be measured, and in which order.

Every artifact runs beside its baseline, that format's float32 in the same runtime with the same
threads, which is measured twice under two names. Each round runs all of them in a new random
order, so that a slow minute of the machine falls on no artifact alone.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edgewright.targets.target import choose_runtimes
from edgewright_runtimes.errors import BadInput, UnknownName
from edgewright_runtimes.records import Artifact, Format

if TYPE_CHECKING:
    from edgewright.targets.target import Target

BASELINE_SCHEME = "float32"
AGAIN = "again"


@dataclass(frozen=True, slots=True)
class Cell:
    """What one number of the report stands for; ``label`` is ``again`` for the baseline's twin."""

    artifact: Artifact
    runtime: str
    label: str = ""

    @property
    def words(self) -> str:
        return f"{self.artifact.name} in {self.runtime}" + (f" ({self.label})" * bool(self.label))


@dataclass(frozen=True, slots=True)
class Slot:
    """One round of one cell; ``order`` is its place in the whole sweep."""

    order: int
    round: int
    cell: Cell


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """The totals of one artifact over all its rounds; both time and count must be reached."""

    rounds: int
    seconds: float
    samples: int

    def __post_init__(self) -> None:
        if self.rounds < 1 or self.seconds <= 0 or self.samples < 1:
            raise BadInput(
                f"{self.rounds} rounds, {self.seconds:g} s, {self.samples} samples",
                hint="each must be more than nothing",
            )

    @property
    def round_seconds(self) -> float:
        return self.seconds / self.rounds

    @property
    def round_samples(self) -> int:
        return -(-self.samples // self.rounds)


def baseline_name(format_: Format) -> str:
    return f"{format_}-{BASELINE_SCHEME}"


def choose(artifacts: Sequence[Artifact], names: Sequence[str]) -> tuple[Artifact, ...]:
    """The named artifacts (all, where none is named); a bare scheme means every format's."""
    if not names:
        return tuple(artifacts)
    known = {a.name for a in artifacts} | {a.scheme for a in artifacts}
    for name in names:
        if name not in known:
            raise UnknownName("artifact", name, known)
    return tuple(a for a in artifacts if a.name in names or a.scheme in names)


def plan_cells(
    chosen: Sequence[Artifact],
    everything: Sequence[Artifact],
    runtimes: Sequence[str],
    target: Target,
) -> tuple[tuple[Cell, ...], Mapping[str, str]]:
    """The cells with their baselines; and what has none, artifact or runtime, with the reason.

    ``runtimes``: those that were asked for, all that there are if none; the target knows some.
    """
    by_name = {a.name: a for a in everything}
    cells: dict[tuple[str, str, str], Cell] = {}
    not_here: dict[str, str] = {}
    for artifact in chosen:
        found, missing, why = choose_runtimes(artifact.format, runtimes, target)
        not_here.update(missing)
        if not found:
            not_here[artifact.name] = why
        baseline = by_name.get(baseline_name(artifact.format))
        twins = () if baseline is None else ((baseline, ""), (baseline, AGAIN))
        for runtime in found:
            for one, label in ((artifact, ""), *twins):
                cells[one.name, runtime, label] = Cell(one, runtime, label)
    return tuple(cells.values()), not_here


def shuffle_rounds(cells: Sequence[Cell], rounds: int, seed: int) -> tuple[Slot, ...]:
    """Every cell once in each round, each round in a random order of its own."""
    order = random.Random(seed)
    slots: list[Slot] = []
    for number in range(rounds):
        for cell in order.sample(list(cells), len(cells)):
            slots.append(Slot(len(slots), number, cell))
    return tuple(slots)

"""Count the instructions of artifacts on emulated boards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from edgewright.bundle import Bundle
from edgewright.counting.results import CountRow, read_counts
from edgewright.counting.sweep import UNIT, CountingTarget, CountSweep
from edgewright.latency.answers import Answers
from edgewright.latency.chorus import Chorus
from edgewright.latency.plan import Budget, Cell, Slot, choose, plan_cells
from edgewright.latency.rounds import Setup
from edgewright.latency.sweep import Tell
from edgewright.settings import load_settings
from edgewright.targets.lost import Lost
from edgewright.targets.target import open_places, place_words, require_runtimes
from edgewright.verbs.bench import (
    IN_PART,
    INTERRUPTED,
    LIMIT_SECONDS,
    NOTHING,
    golden_feeds,
    job_name,
)
from edgewright_runtimes.errors import BadInput
from edgewright_runtimes.records import Failure

ROUNDS = 2  # processes: they differ by what their memory looks like
ROUND_SECONDS = 10.0  # a first guess, for the time that is left


@dataclass(slots=True, kw_only=True)
class CountResult:
    """``rows`` are all of the bundle's counts; ``failures`` and ``not_here`` are of this run."""

    bundle: Path
    job: str
    rows: tuple[CountRow, ...] = ()
    failures: list[Failure] = field(default_factory=list)
    not_here: dict[str, str] = field(default_factory=dict)
    measured_rounds: int = 0
    interrupted: bool = False

    def add(self, sweep: CountSweep, not_here: Mapping[str, str]) -> None:
        on = sweep.setup.target.name
        self.failures += sweep.failures
        self.measured_rounds += sweep.measured
        self.interrupted |= sweep.interrupted
        self.not_here.update({f"{name} on {on}": why for name, why in not_here.items()})

    @property
    def exit_code(self) -> int:
        if self.interrupted:
            return INTERRUPTED
        if self.failures:
            return IN_PART if self.measured_rounds else NOTHING
        return 0


def count_instructions(
    bundle: Path | str,
    *,
    artifacts: Sequence[str] = (),
    runtimes: Sequence[str] = (),
    target: str,
    rounds: int | None = None,
    threads: int = 1,
    limit_seconds: float = LIMIT_SECONDS,
    tell: Tell = lambda _: None,
) -> CountResult:
    """Count instructions per inference of ``artifacts`` and their float32 baselines.

    ``target``: ``emulated:pi4``, ``emulated:pi5``, or both by a comma. ``rounds`` is the number of
    fresh processes. Arguments that ``bench`` has too mean the same.

    Raises ``UsageError`` for bad input, ``BoardTrouble`` where no board can be built here,
    ``BundleBusy`` where another run holds the bundle.
    """
    count = ROUNDS if rounds is None else rounds
    _check(threads, count, limit_seconds)
    opened = Bundle.open(Path(bundle))
    places = open_places(target, load_settings())
    targets = [place for place in places if isinstance(place, CountingTarget)]
    if len(targets) < len(places):
        raise BadInput(
            f"{UNIT} are not counted on {target}", hint="--target emulated:pi4 or emulated:pi5"
        )
    require_runtimes(runtimes, places)
    result = CountResult(bundle=opened.path, job=job_name("count"))
    with opened.lock():
        everything = opened.require_artifacts()
        chosen = choose(everything, artifacts)
        work = opened.work_folder()
        feeds, chorus = golden_feeds(opened, work), Chorus(tell)
        lost = Lost(opened, len(targets) > 1, chorus.lost)
        for number, place in enumerate(targets):
            chorus.begin(number, len(targets))
            with closing(place), lost.guard(place):
                cells, not_here = plan_cells(chosen, everything, runtimes, place)
                folder = work / place_words(place.name)
                folder.mkdir()
                setup = Setup(
                    job=result.job,
                    target=place,
                    threads=threads,
                    preset="",
                    budget=Budget(rounds=count, seconds=count * ROUND_SECONDS, samples=1),
                    feeds=feeds,
                    answers=Answers(opened, folder),
                    work=folder,
                    limit_seconds=limit_seconds,
                )
                sweep = CountSweep(opened, setup, chorus.voice(place.name))
                sweep.run(cells, _slots(cells, count))
                result.add(sweep, not_here)
            if result.interrupted:
                break
        result.failures += lost.failures
    result.rows = read_counts(opened)
    return result


def _slots(cells: Sequence[Cell], rounds: int) -> list[Slot]:
    """In the order of the bundle, and no baseline twice: nothing here depends on the moment."""
    chosen = [(number, cell) for number in range(rounds) for cell in cells if not cell.label]
    return [Slot(order, number, cell) for order, (number, cell) in enumerate(chosen)]


def _check(threads: int, rounds: int, limit_seconds: float) -> None:
    if threads != 1:
        raise BadInput(f"threads is {threads}", hint=f"{UNIT} are counted in one thread")
    if rounds < 1:
        raise BadInput(f"rounds is {rounds}", hint="1 or more")
    if limit_seconds <= 0:
        raise BadInput(f"limit is {limit_seconds:g} s", hint="more than 0")

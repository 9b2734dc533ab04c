"""``bench``: time the artifacts of a bundle so that the numbers can be believed."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from edgewright.bundle import Bundle
from edgewright.latency.answers import Answers
from edgewright.latency.chorus import Chorus
from edgewright.latency.plan import Budget, Cell, choose, plan_cells, shuffle_rounds
from edgewright.latency.rounds import Setup
from edgewright.latency.sweep import Progress, Sweep, Tell
from edgewright.settings import load_settings
from edgewright.targets.browser.options import AS_IT_IS, BrowserOptions
from edgewright.targets.lost import Lost
from edgewright.targets.page.options import HERE, PageOptions
from edgewright.targets.target import (
    Place,
    Target,
    on_each,
    open_places,
    place_words,
    require_runtimes,
)
from edgewright_runtimes.errors import BadInput, UnknownName
from edgewright_runtimes.records import Artifact, Failure

if TYPE_CHECKING:
    from edgewright.latency.results import Row

LIMIT_SECONDS = 120.0
INTERRUPTED, IN_PART, NOTHING = 130, 3, 1


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchResult:
    """``rows`` are all of the bundle's, those of earlier runs too; ``failures`` this run's.

    ``not_here``: artifacts and runtimes that the target can't run, and why. No failure is counted
    for them. ``set_aside``: what was measured on files that are no longer there.
    """

    bundle: Path
    job: str
    rows: tuple[Row, ...]
    failures: tuple[Failure, ...]
    not_here: Mapping[str, str]
    set_aside: tuple[str, ...]
    measured_rounds: int
    interrupted: bool

    @property
    def exit_code(self) -> int:
        if self.interrupted:
            return INTERRUPTED
        if self.failures:
            return IN_PART if self.measured_rounds else NOTHING
        return 0


def bench(
    bundle: Path | str,
    *,
    artifacts: Sequence[str] = (),
    preset: str = "quick",
    threads: int = 1,
    runtimes: Sequence[str] = (),
    target: str = "local",
    seconds: float | None = None,
    rounds: int | None = None,
    limit_seconds: float = LIMIT_SECONDS,
    seed: int | None = None,
    browser: BrowserOptions = AS_IT_IS,
    page: PageOptions = HERE,
    tell: Tell = lambda _: None,
) -> BenchResult:
    """Measure ``artifacts`` (names or schemes; all) in shuffled rounds of fresh processes.

    ``target``: one, or several joined by commas, which are measured one after the other.
    ``runtimes``: all that are installed and take the format; with several targets each takes
    those that it knows. ``browser``: how targets ``browser:NAME`` are driven; ``page``: where the
    target ``page`` is served, and to how many devices. ``seconds`` and ``rounds`` override the
    preset's totals; what then is under the preset is `too few`.
    ``limit_seconds``: a worker that says nothing for so long hangs. ``seed`` shuffles; without it,
    a new one. ``tell`` hears the progress. What fails is in ``failures``, a device that can't be
    reached too where others are named with it; an interrupt ends the run, and is in the result.

    Raises ``UsageError`` for bad input, ``BundleBusy`` where another run holds the bundle,
    ``EdgewrightError`` where the only target can't be had.
    """
    budget = _budget(preset, seconds, rounds)
    _check(threads, limit_seconds)
    opened = Bundle.open(Path(bundle))
    places = open_places(target, replace(load_settings(), browser=browser, page=page))
    require_runtimes(runtimes, places)
    with opened.lock():
        everything = opened.require_artifacts()
        work = opened.work_folder()
        task = _Task(
            bundle=opened,
            job=job_name("bench"),
            everything=everything,
            chosen=choose(everything, artifacts),
            runtimes=runtimes,
            threads=threads,
            preset=preset,
            budget=budget,
            feeds=golden_feeds(opened, work),
            work=work,
            limit_seconds=limit_seconds,
            seed=seed,
            chorus=Chorus(tell),
        )
        done = _measure(task, places)
    return done.result()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Task:
    """What is to be timed, and how: the same on every target."""

    bundle: Bundle
    job: str
    everything: Sequence[Artifact]
    chosen: Sequence[Artifact]
    runtimes: Sequence[str]
    threads: int
    preset: str
    budget: Budget
    feeds: Path | None
    work: Path
    limit_seconds: float
    seed: int | None
    chorus: Chorus

    def plan(self, where: Target) -> tuple[tuple[Cell, ...], Mapping[str, str]]:
        return plan_cells(self.chosen, self.everything, self.runtimes, where)

    def shown(self, where: Target) -> Sequence[str]:
        """What will run, for whoever holds the device."""
        return [cell.words for cell in self.plan(where)[0] if not cell.label]

    def measure(self, where: Target) -> Measured:
        cells, not_here = self.plan(where)
        sweep = Sweep(self.bundle, self._setup(where), self.chorus.voice(where.name))
        chance = secrets.randbits(32) if self.seed is None else self.seed
        sweep.run(cells, shuffle_rounds(cells, self.budget.rounds, chance))
        return Measured(sweep, not_here)

    def _setup(self, where: Target) -> Setup:
        folder = self.work / (place_words(where.name) or "local")
        folder.mkdir(exist_ok=True)
        return Setup(
            job=self.job,
            target=where,
            threads=self.threads,
            preset=self.preset,
            budget=self.budget,
            feeds=self.feeds,
            answers=Answers(self.bundle, folder),
            work=folder,
            limit_seconds=self.limit_seconds,
        )


def _measure(task: _Task, places: Sequence[Place]) -> _Done:
    """One target after the other, until one is interrupted; one that is lost is a failure."""
    done = _Done(task.bundle, task.job)
    several = len(places) > 1
    lost = Lost(task.bundle, several, task.chorus.lost)
    what = f"Timing, {task.budget.seconds:g} s for each of these in each runtime"
    for number, place in enumerate(places):
        task.chorus.begin(number, len(places))
        with closing(place), lost.guard(place):
            done.add(on_each(place, task.measure, what=what, shown=task.shown), several)
        if done.interrupted:
            break
    done.failures += lost.failures
    return done


class Measured(NamedTuple):
    sweep: Sweep
    not_here: Mapping[str, str]


@dataclass(slots=True)
class _Done:
    """What the sweeps of several targets did together."""

    bundle: Bundle
    job: str
    failures: list[Failure] = field(default_factory=list)
    not_here: dict[str, str] = field(default_factory=dict)
    rounds: int = 0
    interrupted: bool = False

    def add(self, measured: Sequence[Measured], several: bool) -> None:
        for sweep, not_here in measured:
            self.failures += sweep.failures
            self.rounds += sweep.measured
            self.interrupted |= sweep.interrupted
            on = f" on {sweep.setup.target.name}" if several or len(measured) > 1 else ""
            self.not_here.update({f"{name}{on}": reason for name, reason in not_here.items()})

    def result(self) -> BenchResult:
        from edgewright.latency.results import read_results, set_aside

        return BenchResult(
            bundle=self.bundle.path,
            job=self.job,
            rows=read_results(self.bundle),
            failures=tuple(self.failures),
            not_here=self.not_here,
            set_aside=(*set_aside(self.bundle), *self.bundle.problems),
            measured_rounds=self.rounds,
            interrupted=self.interrupted,
        )


def _budget(preset: str, seconds: float | None, rounds: int | None) -> Budget:
    from edgewright_runtimes.statistics import PRESETS

    if preset not in PRESETS:
        raise UnknownName("preset", preset, PRESETS)
    totals = PRESETS[preset]
    shortened = seconds is not None and seconds < totals.seconds
    return Budget(
        rounds=totals.rounds if rounds is None else rounds,
        seconds=totals.seconds if seconds is None else seconds,
        samples=1 if shortened else totals.samples,
    )


def _check(threads: int, limit_seconds: float) -> None:
    if threads < 1:
        raise BadInput(f"threads is {threads}", hint="1 or more")
    if limit_seconds <= 0:
        raise BadInput(f"limit is {limit_seconds:g} s", hint="more than 0")


def job_name(verb: str) -> str:
    return f"{verb}-{datetime.now(timezone.utc):%Y%m%dT%H%M%S}-{secrets.token_hex(2)}"


def golden_feeds(bundle: Bundle, work: Path) -> Path | None:
    """The preprocessed goldens as the workers read them; ``None``: the workers draw their own."""
    import numpy as np

    if not (bundle.path / "golden.npz").exists():
        return None
    golden = bundle.golden()
    inputs = {k.removeprefix("input/"): v for k, v in golden.items() if k.startswith("input/")}
    if not inputs:
        return None
    path = work / "bench-feeds.npz"
    np.savez(path, allow_pickle=False, **inputs)
    return path


__all__ = ["BenchResult", "Progress", "bench"]

"""``bench``: time the artifacts of a bundle so that the numbers can be believed."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from edgewright.bundle import Bundle
from edgewright.latency.plan import Budget, choose, plan_cells, shuffle_rounds
from edgewright.latency.rounds import Setup
from edgewright.latency.sweep import Progress, Sweep, Tell
from edgewright_runtimes.errors import BadInput, UnknownName, UsageError
from edgewright_runtimes.records import Failure

if TYPE_CHECKING:
    from edgewright.latency.results import Row
    from edgewright.targets.target import Target

LIMIT_SECONDS = 120.0
INTERRUPTED, IN_PART, NOTHING = 130, 3, 1


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchResult:
    """``rows`` are all of the bundle's, those of earlier runs too; ``failures`` this run's.

    ``not_here``: artifacts that this target does not run, and why. No failure is counted for
    them. ``set_aside``: what was measured on files that are no longer there.
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
    tell: Tell = lambda _: None,
) -> BenchResult:
    """Measure ``artifacts`` (names or schemes; all) in shuffled rounds of fresh processes.

    ``runtimes``: all that are installed and take the format. ``seconds`` and ``rounds`` override
    the preset's totals; what then is under the preset is `too few`. ``limit_seconds``: a worker
    that says nothing for so long hangs. ``seed`` shuffles; without it, a new one. ``tell`` hears
    the progress. What fails is in ``failures``; an interrupt ends the run, and is in the result.

    Raises ``UsageError`` for bad input, ``BundleBusy`` where another run holds the bundle.
    """
    budget = _budget(preset, seconds, rounds)
    _check(threads, limit_seconds)
    opened = Bundle.open(Path(bundle))
    where = _open_target(target)
    with opened.lock():
        everything = opened.require_artifacts()
        cells, not_here = plan_cells(choose(everything, artifacts), everything, runtimes, where)
        setup = Setup(
            job=_job_name(),
            target=where,
            threads=threads,
            preset=preset,
            budget=budget,
            feeds=_feeds(opened, opened.work_folder()),
            work=opened.work_folder(),
            limit_seconds=limit_seconds,
        )
        sweep = Sweep(opened, setup, tell)
        chosen = secrets.randbits(32) if seed is None else seed
        sweep.run(cells, shuffle_rounds(cells, budget.rounds, chosen))
    return _result(opened, sweep, not_here)


def _open_target(name: str) -> Target:
    from edgewright.settings import load_settings
    from edgewright.targets.target import open_target, parse_targets

    names = parse_targets(name)
    if len(names) != 1:
        raise UsageError(f"{name!r} names {len(names)} targets", hint="bench takes one at a time")
    return open_target(names[0], load_settings())


def _result(bundle: Bundle, sweep: Sweep, not_here: Mapping[str, str]) -> BenchResult:
    from edgewright.latency.results import read_results, set_aside

    return BenchResult(
        bundle=bundle.path,
        job=sweep.setup.job,
        rows=read_results(bundle),
        failures=tuple(sweep.failures),
        not_here=not_here,
        set_aside=(*set_aside(bundle), *bundle.problems),
        measured_rounds=sweep.measured,
        interrupted=sweep.interrupted,
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


def _job_name() -> str:
    return f"bench-{datetime.now(timezone.utc):%Y%m%dT%H%M%S}-{secrets.token_hex(2)}"


def _feeds(bundle: Bundle, work: Path) -> Path | None:
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

"""The closed loop: the cheap things first, each made, checked and timed where it will run.

The ladder stops at the first artifact that passes; every try is kept with its cost and its
reason. Nothing is taken that was not measured, and nothing that the gate does not pass.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from edgewright.atomic import write_text
from edgewright.compression.options import CompressOptions
from edgewright.compression.process import Refused
from edgewright.compression.running import Run
from edgewright.compression.steps import Hear, Steps
from edgewright.conversion.converter import JobFailed
from edgewright.line_process import ProcessDied
from edgewright_converters.compression.recipe import parse_name
from edgewright_runtimes.errors import BadInput, EdgewrightError
from edgewright_runtimes.record_json import from_dict
from edgewright_runtimes.records import SCHEMES, Artifact, Format, Try

if TYPE_CHECKING:
    from edgewright.accuracy.results import GateResult
    from edgewright.bundle import Bundle
    from edgewright.compression.training_data import Split

FILE = "tries.json"
DO_NOT_SHIP, NOT_ENOUGH_DATA = 4, 5
HARDLY_SMALLER = 0.9  # of float32's bytes: what is left of a scheme that found little to quantize
TellTry = Callable[[Try], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rung:
    """A recipe of the ladder. ``trains`` costs minutes or hours, ``for_speed`` buys time only."""

    recipe: str
    trains: bool = False
    for_speed: bool = False


LADDER = (
    Rung(recipe="int8"),
    Rung(recipe="equalize_int8"),
    Rung(recipe="mixed_int8"),
    Rung(recipe="int16x8"),
    Rung(recipe="dynamic"),
    Rung(recipe="qat_int8", trains=True),
    Rung(recipe="float16"),
    Rung(recipe="channels25_qat_int8", trains=True, for_speed=True),
    Rung(recipe="channels50_qat_int8", trains=True, for_speed=True),
    Rung(recipe="channels65_qat_int8", trains=True, for_speed=True),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """``gates`` as ``check`` takes them (``accuracy:0.5``); ``min_speedup`` over float32, or none.

    ``data`` is what it is decided on: a data specification, never learnt from.
    """

    gates: tuple[str, ...]
    data: str
    min_speedup: float | None = None
    bench_seconds: float = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class AutoResult:
    """``taken``: by format, the artifact that passed."""

    bundle: Path
    tries: tuple[Try, ...]
    taken: tuple[Artifact, ...]
    formats: tuple[Format, ...]

    @property
    def exit_code(self) -> int:
        """0 one for every format; 4 a format has none; 5 it has none for want of items."""
        left = set(self.formats) - {artifact.format for artifact in self.taken}
        if not left:
            return 0
        ends = [t.outcome for t in self.tries if t.format in left]
        return NOT_ENOUGH_DATA if "undecided" in ends else DO_NOT_SHIP


@dataclass(slots=True, kw_only=True)
class Search:
    """What the tries of one run share."""

    bundle: Bundle
    options: CompressOptions
    split: Split | None
    goal: Goal
    hear: Hear
    tell_try: TellTry

    def run(self) -> AutoResult:
        """Raises ``Refused`` where an augmentation was named that nothing can be learnt with."""
        if self.options.augment:
            self._check_augmentation()
        tries: list[Try] = []
        for format_ in self.options.formats:
            for rung in LADDER:
                done = self._try(format_, rung, [t for t in tries if t.format == format_])
                if done is None:
                    continue
                tries.append(done)
                save_tries(self.bundle, tries)
                self.tell_try(done)
                if done.outcome == "taken":
                    break
        return AutoResult(
            bundle=self.bundle.path,
            tries=tuple(tries),
            taken=tuple(self.bundle.artifact(t.artifact) for t in tries if t.outcome == "taken"),
            formats=self.options.formats,
        )

    def _check_augmentation(self) -> None:
        """As the first rung that trains would find it, hours later: before anything is built."""
        rung = next(rung for rung in LADDER if rung.trains)
        trained, _, _ = rung.recipe.rpartition("_")
        options = replace(self.options, steps=parse_name(trained))
        with self.bundle.lock():
            steps = Steps(bundle=self.bundle, options=options, split=self.split, hear=self.hear)
            try:
                with closing(steps):
                    steps.prepare()
            except (JobFailed, ProcessDied) as e:
                if isinstance(e, Refused) and e.number is None:
                    raise  # all else is a row beside others, when the rung's turn comes

    def _try(self, format_: Format, rung: Rung, before: list[Try]) -> Try | None:
        """``None`` where the format has no such scheme."""
        scheme = rung.recipe.rpartition("_")[2]
        if scheme not in SCHEMES[format_]:
            return None
        start = time.perf_counter()
        attempt = Try(
            format=format_,
            recipe=rung.recipe,
            artifact=f"{format_}-{rung.recipe}",
            outcome="skipped",
            reason=self._not_worth_it(rung, before),
        )
        if attempt.reason:
            return attempt
        try:
            attempt = self._measured(attempt)
        except KeyboardInterrupt:
            raise
        except EdgewrightError as e:  # one that can't be made is a row, not the end of the search
            attempt = replace(attempt, outcome="failed", reason=str(e))
        return replace(attempt, seconds=round(time.perf_counter() - start, 1))

    def _not_worth_it(self, rung: Rung, before: list[Try]) -> str:
        accurate = any(t.change is not None and self._fails_on_speed(t) for t in before)
        if rung.trains and self.split is None:
            return "it trains, and no data to learn from was given (--data TRAIN)"
        if accurate and not rung.for_speed:
            return f"{rung.recipe} is no faster than int8, which is accurate: what lacks is speed"
        if not accurate and rung.for_speed:
            return "a smaller model is for speed, and the accuracy is what lacks"
        if rung.trains and any(t.outcome == "undecided" for t in before) and not accurate:
            return "more items decide what is left open, not more training"
        return ""

    def _fails_on_speed(self, attempt: Try) -> bool:
        return attempt.outcome == "rejected" and attempt.speedup is not None

    def _measured(self, attempt: Try) -> Try:
        attempt = self._made(attempt)
        if not attempt.reason:
            attempt = self._checked(attempt)
        if attempt.outcome != "taken" or self.goal.min_speedup is None:
            return attempt
        return self._timed(attempt, self.goal.min_speedup)

    def _made(self, attempt: Try) -> Try:
        """The artifact lies in the bundle, or ``reason`` says why it is not worth a check."""
        options = replace(self.options, steps=parse_name(attempt.recipe), formats=(attempt.format,))
        with self.bundle.lock():
            run = Run(
                bundle=self.bundle,
                options=options,
                split=self.split,
                tell=lambda _: None,
                hear=self.hear,
            )
            made = run.whole()
        if made.interrupted:
            raise KeyboardInterrupt
        named = {a.name: a for a in (*made.artifacts, *made.controls)}
        artifact = named.get(attempt.artifact)
        if artifact is None:
            failed = next((f for f in made.failures if f.artifact == attempt.artifact), None)
            return replace(attempt, outcome="failed", reason=failed.error if failed else "not made")
        attempt = replace(attempt, size_bytes=artifact.size_bytes)
        whole = named.get(f"{attempt.format}-float32")
        if whole is not None and artifact.size_bytes > HARDLY_SMALLER * whole.size_bytes:
            reason = f"hardly smaller than float32, which has {whole.size_bytes:,} B"
            return replace(attempt, outcome="rejected", reason=reason)
        return attempt

    def _checked(self, attempt: Try) -> Try:
        from edgewright.accuracy.intervals import Decision
        from edgewright.verbs.check import check

        result = check(
            self.bundle.path,
            data=self.goal.data,
            gates=self.goal.gates,
            artifacts=(attempt.artifact,),
            target=self.options.target,
        )
        if not result.results:
            why = result.failures[0].error if result.failures else "it does not run on this target"
            return replace(attempt, outcome="failed", reason=why)
        decision = result.results[0].decision
        gate = next(g for g in result.results[0].gates if g.decision is decision)  # the worst
        score = gate.score
        attempt = replace(
            attempt,
            metric=score.metric,
            source_score=score.source,
            score=score.artifact,
            change=score.change,
            low=score.low,
            high=score.high,
            items=score.items,
        )
        if decision is Decision.SHIP:
            return replace(attempt, outcome="taken", reason=f"within {gate.gate}")
        if decision is Decision.DO_NOT_SHIP:
            return replace(attempt, outcome="rejected", reason=f"outside {gate.gate}")
        return replace(attempt, outcome="undecided", reason=_undecided(gate))

    def _timed(self, attempt: Try, wanted: float) -> Try:
        from edgewright.verbs.bench import bench

        result = bench(
            self.bundle.path,
            artifacts=(attempt.artifact,),
            preset="quick",
            seconds=self.goal.bench_seconds,
            target=self.options.target,
        )
        if result.interrupted:
            raise KeyboardInterrupt
        own = (r for r in result.rows if (r.artifact, r.job) == (attempt.artifact, result.job))
        row = next(own, None)
        if row is None or row.comparison is None:
            why = row.no_comparison if row else "it was not measured"
            return replace(attempt, outcome="failed", reason=f"no speed-up is known: {why}")
        found = row.comparison
        attempt = replace(
            attempt,
            speedup=1 / found.ratio,
            speedup_low=1 / found.high if found.high is not None else None,
        )
        if attempt.speedup_low is None:
            return replace(
                attempt, outcome="rejected", reason=f"no speed-up is sure: {found.words}"
            )
        if attempt.speedup_low < wanted:
            reason = f"accurate, and {attempt.speedup:.2f} x float32: {wanted:g} x was asked for"
            return replace(attempt, outcome="rejected", reason=reason)
        return replace(attempt, reason=f"{attempt.reason}, {attempt.speedup:.2f} x float32")


def _undecided(gate: GateResult) -> str:
    needed = f"about {gate.items_needed:,} would" if gate.items_needed else "more would"
    return f"{gate.score.items:,} items can't decide {gate.gate}: {needed}"


def save_tries(bundle: Bundle, tries: list[Try]) -> None:
    write_text(bundle.path / FILE, json.dumps([asdict(t) for t in tries], indent=1) + "\n")


def read_tries(bundle: Bundle) -> tuple[Try, ...]:
    """Those of the bundle's last search; none where there was none."""
    path = bundle.path / FILE
    try:
        rows = json.loads(path.read_bytes())
        return tuple(from_dict(Try, row, where=str(path)) for row in rows)
    except FileNotFoundError:
        return ()
    except (ValueError, TypeError, AttributeError, BadInput):
        bundle.problems.append(f"{path} cannot be read")
        return ()

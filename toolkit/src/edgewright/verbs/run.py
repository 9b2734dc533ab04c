"""``run``: a plan from end to end; each step that is in it, in order, into one bundle."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgewright.atomic import write_text
from edgewright.plan.plan import TEMPLATE, Plan
from edgewright.plan.reading import read_plan
from edgewright_runtimes.errors import BadInput

if TYPE_CHECKING:
    from edgewright.conversion.builder import Outcome
    from edgewright.conversion.options import Batch

Tell = Callable[[str], None]
NOTHING, IN_PART, NO, TOO_FEW, INTERRUPTED = 1, 3, 4, 5, 130
# What a caller should hear first when steps end differently.
PRECEDENCE = (INTERRUPTED, NOTHING, NO, TOO_FEW, IN_PART)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult:
    """Exit codes by step, in the order they ran; ``report`` is empty where none was asked for."""

    bundle: Path
    steps: Mapping[str, int]
    report: str

    @property
    def exit_code(self) -> int:
        """The gravest of the steps: interrupted, nothing made, a gate's no, too few, in part."""
        return next((code for code in PRECEDENCE if code in self.steps.values()), 0)

    def plain(self) -> dict[str, Any]:
        return {
            "bundle": str(self.bundle),
            "steps": dict(self.steps),
            "report": self.report,
            "exit_code": self.exit_code,
        }


def init_plan(path: Path) -> None:
    """Write a commented plan; never over a file that is there."""
    if path.exists():
        raise BadInput(f"{path} is already there", hint="name another file, or remove it")
    write_text(path, TEMPLATE)


def run(plan: Path | str, *, force: bool = False, tell: Tell | None = None) -> RunResult:
    """Run the plan in the file ``plan``; its relative paths are relative to it.

    A step whose rows failed does not end the run; one that makes nothing does. Raises
    ``UsageError`` for a bad plan or bad input.
    """
    path = Path(plan)
    return _Run(read_plan(path), path.parent, force, tell or (lambda _: None)).go()


class _Run:
    def __init__(self, plan: Plan, home: Path, force: bool, tell: Tell) -> None:
        self._plan = plan
        self._home = home
        self._force = force
        self._tell = tell
        self._bundle = home / plan.out
        self._report = ""

    def go(self) -> RunResult:
        steps: dict[str, int] = {}
        for name, step in (
            ("convert", self._convert),
            ("compress", self._compress),
            ("check", self._check),
            ("bench", self._bench),
            ("report", self._write_report),
        ):
            if name != "convert" and getattr(self._plan, name) is None:
                continue
            self._tell(f"{name} ...")
            steps[name] = step()
            if steps[name] == INTERRUPTED or (name == "convert" and steps[name] == NOTHING):
                break
        return RunResult(bundle=self._bundle, steps=steps, report=self._report)

    def _convert(self) -> int:
        from edgewright.cli.convert import outcome_lines, read_labels
        from edgewright.verbs.convert import convert

        model, section = self._plan.model, self._plan.convert

        def hear(outcome: Outcome) -> None:
            for line in outcome_lines(outcome):
                self._tell(line)

        result = convert(
            self._home / model.path,
            out=self._bundle,
            formats=section.formats,
            variants=section.variants,
            calibrate=self._data(section.calibrate),
            samples=section.samples,
            seed=section.seed,
            batch=_batch(section.batch),
            opset=section.opset or None,
            preprocess=self._home / model.preprocess if model.preprocess else None,
            labels=read_labels(self._home / model.labels if model.labels else None),
            workers=section.workers,
            force=self._force,
            unsafe=model.unsafe,
            signature_name=model.signature,
            tell=hear,
        )
        for warning in result.warnings:
            self._tell(f"  warning: {warning}")
        if result.taken:
            self._tell(f"  {len(result.taken)} already there")
        return result.exit_code

    def _compress(self) -> int:
        from edgewright.cli.convert import outcome_lines, read_labels
        from edgewright.compression.shown import HEADINGS, notes, rows
        from edgewright.text_table import aligned
        from edgewright.verbs.compress import Settings, compress

        model, section = self._plan.model, self._plan.compress
        if section is None:
            return 0
        beside = self._home / section.recipe
        result = compress(
            self._home / model.path,
            recipe=beside if beside.suffix == ".toml" else section.recipe,
            out=self._bundle,
            settings=Settings(
                data=self._data(section.data),
                check=self._data(section.check),
                held_back=section.held_back,
                formats=section.formats,
                samples=section.samples,
                seed=section.seed,
                preprocess=self._home / model.preprocess if model.preprocess else None,
                labels=read_labels(self._home / model.labels if model.labels else None),
                augment=section.augment,
                target=section.target,
                force=self._force,
                unsafe=model.unsafe,
                signature=model.signature,
            ),
            tell=lambda outcome: self._tell_all(outcome_lines(outcome)),
        )
        if result.compressed is not None:
            self._tell_all(aligned(HEADINGS, rows(result.compressed)))
            self._tell_all([f"  {line}" for line in notes(result.compressed)])
        return result.exit_code

    def _check(self) -> int:
        from edgewright.accuracy import shown
        from edgewright.text_table import aligned
        from edgewright.verbs.check import check

        section = self._plan.check
        if section is None:
            return 0
        result = check(
            self._bundle,
            data=self._data(section.data),
            metrics=section.metrics,
            gates=section.gates,
            max_drop=section.max_drop,
            min_agreement=section.min_agreement,
            subset=section.subset or None,
            runtime=",".join(section.runtimes) or None,
            target=section.target,
        )
        self._tell(shown.headline(result))
        if result.results:
            head, *rows = shown.table(result)
            self._tell_all(aligned(head, rows))
        self._tell_all(shown.remarks(result))
        return result.exit_code

    def _bench(self) -> int:
        from edgewright.latency.table import HEADINGS, cells
        from edgewright.text_table import aligned
        from edgewright.verbs.bench import bench

        section = self._plan.bench
        if section is None:
            return 0
        artifacts = self._made(section.artifacts)
        if section.artifacts and not artifacts:
            self._tell("  none of the plan's artifacts was made: nothing to time")
            return NOTHING
        result = bench(
            self._bundle,
            artifacts=artifacts,
            preset=section.preset,
            threads=section.threads,
            runtimes=section.runtimes,
            target=section.target,
            tell=lambda step: self._tell(f"  {step.words}") if step.failed else None,
        )
        self._tell_all(aligned(HEADINGS, [cells(row) for row in result.rows]))
        self._tell_all([f"  {name}: {reason}" for name, reason in result.not_here.items()])
        return result.exit_code

    def _made(self, names: Sequence[str]) -> list[str]:
        """Those that are there: one that failed is a failure row already, not a wrong name."""
        from edgewright.bundle import Bundle

        bundle = Bundle.open(self._bundle)
        failed = {f.artifact for f in bundle.failures()} - {a.name for a in bundle.artifacts()}
        for name in (n for n in names if n in failed):
            self._tell(f"  {name} was not made, so it is not timed")
        return [name for name in names if name not in failed]

    def _write_report(self) -> int:
        from edgewright.verbs.report import report

        section = self._plan.report
        self._report = str(report(self._bundle, title=section.title if section else ""))
        self._tell(f"report: {self._report}")
        return 0

    def _tell_all(self, lines: Sequence[str]) -> None:
        for line in lines:
            self._tell(line)

    def _data(self, spec: str) -> str:
        """A file or folder beside the plan; ``module:function`` stays as it is."""
        beside = self._home / spec
        return str(beside) if spec and (beside.exists() or ":" not in spec) else spec


def _batch(value: int | str) -> Batch:
    """The plan's reader let nothing else pass than a number, ``dynamic``, or nothing."""
    if isinstance(value, int):
        return value
    return "dynamic" if value else None

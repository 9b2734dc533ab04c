"""One check from items to results: what runs where, what is stored, what failed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from edgewright.accuracy.chunks import Chunks
from edgewright.accuracy.evaluate import evaluate
from edgewright.accuracy.gates import Gate
from edgewright.accuracy.items import Items, choose_items
from edgewright.accuracy.metrics import Metric, metric_named
from edgewright.accuracy.output_file import OutputWriter
from edgewright.accuracy.outputs import (
    ArtifactRun,
    RunFailed,
    Workers,
    run_artifact,
    run_source,
)
from edgewright.accuracy.results import CheckResult, Result
from edgewright.accuracy.statistic import check_metric
from edgewright.accuracy.stored import Files, files_for, save_labels
from edgewright.accuracy.task import find_task
from edgewright.bundle import Bundle, artifact_sha256
from edgewright.conversion.converter import Converter
from edgewright.data import DataSet, open_data
from edgewright.targets.lost import Lost
from edgewright.targets.target import choose_runtimes, on_each, place_words
from edgewright_runtimes.errors import BadInput, EdgewrightError
from edgewright_runtimes.preprocess import Preprocess
from edgewright_runtimes.records import Artifact, Evaluation, Failure, SourceInfo

if TYPE_CHECKING:
    from edgewright.targets.target import Place, Target

Tell = Callable[[str, int, int], None]
Sorted = tuple[list[tuple[Artifact, ArtifactRun]], Mapping[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One check: these items, these metrics and gates, and where their arrays go."""

    bundle: Bundle
    info: SourceInfo
    data: DataSet
    items: Items
    chunks: Chunks
    files: Files
    metrics: tuple[Metric, ...]
    gates: tuple[Gate, ...]
    work: Path


def prepare(
    bundle: Bundle,
    info: SourceInfo,
    spec: str,
    subset: int | None,
    metrics: tuple[Metric, ...],
    gates: tuple[Gate, ...],
) -> Check:
    """Open the data and refuse what does not fit, before anything slow is started."""

    preprocess = Preprocess.from_dict(info.preprocess)
    data = open_data(spec, preprocess=preprocess)
    items = choose_items(data, subset, info)
    work = bundle.work_folder()
    chunks = Chunks(data, items.indices, preprocess, info.inputs, work)
    shape = info.outputs[0].shape[1:]
    if not metrics and not gates and items.y is None and list(chunks.shapes.values()) == [shape]:
        metrics = (metric_named("reconstruction"),)  # it gives back what it takes
    all_metrics = [*metrics, *(gate.metric for gate in gates)]
    reconstructs = any(m.kind == "reconstruction" for m in all_metrics)
    labelled = find_task(info.outputs[0].shape[1:], items.y, all_metrics, reconstructs=reconstructs)
    for metric in all_metrics:
        check_metric(metric, labelled, items.class_names)
    return Check(
        bundle=bundle,
        info=info,
        data=data,
        items=items,
        chunks=chunks,
        files=files_for(info.sha256, data.sha256, items.indices, info.preprocess),
        metrics=metrics,
        gates=gates,
        work=work,
    )


def run_check(
    check: Check,
    artifacts: Sequence[Artifact],
    places: Sequence[Place],
    *,
    runtimes: Sequence[str],
    threads: int,
    moved: Path | None,
    tell: Tell,
) -> CheckResult:
    """Every artifact on every target that runs it, one place after the other.

    What one place computed is judged and stored before the next begins: nothing later loses it.
    """
    failures: list[Failure] = []
    judged = _Judged(check.bundle)
    not_here: dict[str, str] = {}
    several = len(places) > 1
    lost = Lost(check.bundle, several)
    _save_items(check)

    def sort_out(target: Target) -> Sorted:
        return _sort_out(check.bundle, artifacts, target, runtimes, threads)

    def run_all(target: Target) -> _Ran:
        here, missing = sort_out(target)
        own = _beside(check, target)
        with Workers(target, own.work) as workers:
            outcomes = tuple(_evaluate_one(own, a, run, workers, tell) for a, run in here)
        return _Ran(target.name, outcomes, missing)

    with _source(check, moved) as converter:
        for place in places:
            ran: tuple[_Ran, ...] = ()
            with closing(place), lost.guard(place):
                ran = on_each(place, run_all, what=_what(check), shown=_shown(sort_out))
            for one in ran:
                on = f" on {one.target}" if several or len(ran) > 1 else ""
                not_here.update({f"{name}{on}": why for name, why in one.missing.items()})
                failures += [o for o in one.outcomes if isinstance(o, Failure)]
                evaluations = [o for o in one.outcomes if not isinstance(o, Failure)]
                if evaluations:
                    _run_source(check, converter, tell)
                    judged.take(evaluations)
        failures += lost.failures
        if runtimes and not judged.begun and not failures:
            raise BadInput(
                f"{', '.join(runtimes)} computes none of {', '.join(a.name for a in artifacts)}",
                hint="leave out --runtime, or name other artifacts",
            )
        _run_source(check, converter, tell)
    failures += judged.end()
    return CheckResult(
        bundle=check.bundle.path,
        data=check.data.name,
        items=len(check.items.indices),
        results=tuple(judged.results),
        failures=tuple(failures),
        not_here=not_here,
        warnings=check.items.warnings,
    )


@dataclass(slots=True)
class _Judged:
    """What evaluations say. One whose outputs can't be compared is a failure; if none can, that is
    raised at the end, for then it is the question that is wrong."""

    bundle: Bundle
    results: list[Result] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    errors: list[EdgewrightError] = field(default_factory=list)

    @property
    def begun(self) -> bool:
        return bool(self.results or self.errors)

    def take(self, evaluations: Sequence[Evaluation]) -> None:
        for evaluation in evaluations:
            try:
                self.results.append(evaluate(self.bundle, evaluation))
                self.bundle.add_evaluation(evaluation)
            except EdgewrightError as e:
                self.errors.append(e)
                self.failures.append(_not_compared(evaluation, e))

    def end(self) -> list[Failure]:
        if self.errors and not self.results:
            raise self.errors[0]
        for failure in self.failures:
            self.bundle.add_failure(failure)
        return self.failures


def _not_compared(evaluation: Evaluation, e: EdgewrightError) -> Failure:
    return Failure(
        artifact=evaluation.artifact,
        stage="run",
        error=f"its outputs can't be compared: {e.args[0]}",
        hint=e.hint,
        target=evaluation.target,
        runtime=evaluation.runtime,
    )


class _Ran(NamedTuple):
    """What one target did: an evaluation or a failure each, and what it could not run."""

    target: str
    outcomes: tuple[Evaluation | Failure, ...]
    missing: Mapping[str, str]


def _beside(check: Check, target: Target) -> Check:
    """``check`` with a folder and feeds of the target's own: several may run at the same time."""
    folder = check.work / (place_words(target.name) or "local")
    folder.mkdir(exist_ok=True)
    return replace(check, work=folder, chunks=check.chunks.beside(folder))


def _what(check: Check) -> str:
    return f"Computing {len(check.items.indices):,} items of {check.data.name} by each of these"


def _shown(sort_out: Callable[[Target], Sorted]) -> Callable[[Target], Sequence[str]]:
    """What will run, for whoever holds the device."""
    return lambda target: [f"{run.name} in {run.runtime}" for _, run in sort_out(target)[0]]


def _sort_out(
    bundle: Bundle,
    artifacts: Sequence[Artifact],
    target: Target,
    runtimes: Sequence[str],
    threads: int,
) -> Sorted:
    """What this target runs, each with its runtimes; and what it can't run, with the reason.

    Where ``convert`` ran them already one runtime says what another would; elsewhere each does.
    """
    here: list[tuple[Artifact, ArtifactRun]] = []
    not_here: dict[str, str] = {}
    for artifact in artifacts:
        names, missing, why = choose_runtimes(artifact.format, runtimes, target)
        computing = [name for name in names if name != "null"]
        not_here.update(missing)
        if not computing:
            not_here[artifact.name] = (
                why or f"not on this target: {', '.join(names)} computes nothing"
            )
        for name in computing if target.fresh_answers or runtimes else computing[:1]:
            run = ArtifactRun(
                name=artifact.name,
                file=bundle.model_file(artifact),
                runtime=name,
                target=target,
                threads=threads,
            )
            here.append((artifact, run))
    return here, not_here


def _save_items(check: Check) -> None:
    """The labels, and the inputs where the model is to reconstruct them."""

    items, bundle = check.items, check.bundle
    if items.y is not None:
        save_labels(bundle, check.files.labels, items.y, items.indices, items.class_names)
    wanted = [*check.metrics, *(gate.metric for gate in check.gates)]
    if any(m.kind == "reconstruction" for m in wanted):
        writer = OutputWriter(check.work)
        for feeds in check.chunks.feeds():
            writer.append({"input": next(iter(feeds.values()))})
        writer.finish(bundle.array_file(check.files.targets))
        writer.close()


def _evaluate_one(
    check: Check, artifact: Artifact, run: ArtifactRun, workers: Workers, tell: Tell
) -> Evaluation | Failure:

    bundle, files = check.bundle, check.files
    started = datetime.now(timezone.utc).isoformat(timespec="seconds")
    name = files.outputs(artifact.name, run.runtime, run.target.name)
    bundle.clear_failures(
        artifact=artifact.name,
        stages=("load", "run", "transport"),
        target=run.target.name,
        runtimes=(run.runtime,),
    )
    try:
        in_force = run_artifact(
            run,
            check.chunks,
            bundle.array_file(name),
            workers=workers,
            work=check.work,
            told=_counter(tell, artifact.name, len(check.items.indices)),
        )
    except RunFailed as e:
        failure = run.failed(e)
        bundle.add_failure(failure)
        return failure
    return Evaluation(
        job=files.job,
        artifact=artifact.name,
        artifact_sha256=artifact_sha256(bundle, artifact),
        target=run.target.name,
        runtime=run.runtime,
        data=check.data.name,
        data_sha256=check.data.sha256,
        items=len(check.items.indices),
        outputs_file=name,
        source_outputs_file=files.source,
        labels_file="" if check.items.y is None else files.labels,
        metrics=tuple(m.name for m in check.metrics),
        gates=tuple(gate.text for gate in check.gates),
        in_force=in_force,
        started=started,
    )


@contextmanager
def _source(check: Check, moved: Path | None) -> Iterator[Converter | None]:
    """The converter process, warming up while the artifacts run; none where outputs are stored."""

    if check.bundle.array_file(check.files.source).exists():
        yield None
        return
    path = _source_path(check.bundle, check.info, moved)
    converter = Converter(
        path,
        unsafe=check.info.unsafe,
        signature=check.info.signature,
        log=check.work / "source.log",
    )
    converter.warm()
    try:
        yield converter
    finally:
        converter.kill()


def _source_path(bundle: Bundle, info: SourceInfo, moved: Path | None) -> Path:
    own = bundle.own_source(info)
    if own is not None and moved is None:
        return own  # a live object's hash is not its file's
    from edgewright_converters.sources.identity import source_sha256

    path = moved or Path(info.path)
    if not path.exists():
        raise BadInput(f"the source {path} is not there", hint="say where: --source PATH")
    if source_sha256(path) != info.sha256:
        raise BadInput(
            f"{path} is not the model that this bundle was made from",
            hint="name that one with --source PATH, or convert again",
        )
    return path


def _run_source(check: Check, converter: Converter | None, tell: Tell) -> None:
    """Once: its outputs are stored."""
    if converter is None or check.bundle.array_file(check.files.source).exists():
        return
    converter.open()
    run_source(
        converter,
        check.chunks,
        check.bundle.array_file(check.files.source),
        work=check.work,
        told=_counter(tell, "source", len(check.items.indices)),
    )


def _counter(tell: Tell, what: str, of: int) -> Callable[[int], None]:
    done = 0

    def told(count: int) -> None:
        nonlocal done
        done += count
        tell(what, done, of)

    return told

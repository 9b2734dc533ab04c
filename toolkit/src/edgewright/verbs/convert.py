"""``convert``: one trained model to a bundle of verified artifacts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

from edgewright.bundle import Bundle
from edgewright.conversion.builder import Builder, Job, Outcome
from edgewright.conversion.converter import Converter
from edgewright.conversion.keys import converter_version, tool_versions
from edgewright.conversion.options import Batch, ConvertOptions, ConvertResult
from edgewright.conversion.variants import NEEDS_CALIBRATION, select_variants
from edgewright_runtimes.errors import BadInput
from edgewright_runtimes.record_json import from_dict
from edgewright_runtimes.records import (
    Artifact,
    BuildKey,
    Failure,
    SourceInfo,
    Variant,
)

if TYPE_CHECKING:
    from edgewright.data import DataSet
    from edgewright_runtimes.preprocess import Preprocess

Tell = Callable[[Outcome], None]


def convert(
    model: Path | str | object,
    *,
    out: Path | str,
    formats: Sequence[str] = (),
    variants: Sequence[str] = (),
    calibrate: str = "",
    samples: int = 256,
    seed: int = 0,
    batch: Batch = None,
    opset: int | None = None,
    preprocess: Path | Mapping[str, Any] | None = None,
    labels: Sequence[str] = (),
    signature: Sequence[object] | None = None,
    workers: int = 1,
    force: bool = False,
    unsafe: bool = False,
    signature_name: str = "",
    tell: Tell = lambda _: None,
) -> ConvertResult:
    """Convert ``model`` into every chosen format and scheme, each verified in its runtime.

    ``model`` is a path (``.keras``, ``.h5``, a SavedModel folder), a live Keras model, or a
    traceable callable with ``signature`` (a list of ``tf.TensorSpec``). ``calibrate`` names data
    as ``check`` takes it; without it the integer schemes are failure rows. ``tell`` gets each
    artifact or failure as it comes.

    Raises ``UsageError`` for bad input, ``BundleBusy`` where another run holds ``out``.
    """
    bundle = Bundle.create(Path(out))
    with bundle.lock():
        path, sha256 = _source_file(model, bundle, signature)
        options = ConvertOptions(
            model=path,
            out=Path(out),
            variants=select_variants(formats, variants),
            calibrate=calibrate,
            samples=_positive("samples", samples),
            seed=seed,
            batch=_batch(batch),
            opset=opset,
            preprocess=_preprocess(preprocess),
            labels=tuple(labels),
            workers=_positive("workers", workers),
            force=force,
            unsafe=unsafe,
            signature=signature_name,
            source_sha256=sha256,
        )
        return _run(bundle, options, tell)


def _run(bundle: Bundle, options: ConvertOptions, tell: Tell) -> ConvertResult:
    from edgewright.conversion import calibration

    data = _open_data(options)
    identity = calibration.identity(data, options.samples, options.seed)
    if data is not None and data.class_names and not options.labels:
        options = replace(options, labels=tuple(data.class_names))
    jobs = tuple(Job(variant=v, key=_key(options, v, identity)) for v in options.variants)
    taken, refused, todo = _sort_out(bundle, options, jobs)
    outcomes: list[Outcome] = []
    warnings: tuple[str, ...] = ()
    if todo:
        outcomes, warnings = _build(bundle, options, data, identity, todo, tell)
    for failure in refused:
        tell(failure)
    for job, failure in ((j, f) for j in jobs for f in refused if f.artifact == j.variant.name):
        if not failure.build_key:  # refused now, for want of data
            bundle.remove_artifact(job.variant.name)
            bundle.add_failure(failure)
    source = bundle.source
    if outcomes and source is not None:
        bundle.write_head(source)  # the index names what is there now
    return ConvertResult(
        bundle=bundle.path,
        built=tuple(o for o in outcomes if isinstance(o, Artifact)),
        taken=taken,
        failures=(*refused, *(o for o in outcomes if isinstance(o, Failure))),
        warnings=warnings,
    )


def _sort_out(
    bundle: Bundle, options: ConvertOptions, jobs: tuple[Job, ...]
) -> tuple[tuple[Artifact, ...], tuple[Failure, ...], tuple[Job, ...]]:
    """What can be taken as it lies there, what can't be built, and what is to be built."""
    built = {a.name: a for a in bundle.artifacts() if _is_whole(bundle, a)}
    failed = {f.build_key: f for f in bundle.failures() if f.build_key}
    taken, refused, todo = [], [], []
    for job in jobs:
        known = built.get(job.variant.name)
        if job.variant.scheme in NEEDS_CALIBRATION and not options.calibrate:
            refused.append(_needs_data(job))
        elif options.force:
            todo.append(job)
        elif known is not None and known.build_key == job.key.digest:
            taken.append(known)
        elif job.key.digest in failed:
            refused.append(failed[job.key.digest])
        else:
            todo.append(job)
    return tuple(taken), tuple(refused), tuple(todo)


def _is_whole(bundle: Bundle, artifact: Artifact) -> bool:
    path = bundle.model_file(artifact)
    if artifact.format == "tfjs":
        files = [p for p in path.parent.rglob("*") if p.is_file() and p.name != "artifact.json"]
        return path.exists() and sum(p.stat().st_size for p in files) == artifact.size_bytes
    return path.exists() and path.stat().st_size == artifact.size_bytes


def _needs_data(job: Job) -> Failure:
    return Failure(
        artifact=job.variant.name,
        stage="convert",
        error=f"{job.variant.scheme} is calibrated on real data, and none was given",
        hint="add --calibrate DATA (.npz, a folder of class folders, .csv, module:function)",
    )


def _build(
    bundle: Bundle,
    options: ConvertOptions,
    data: DataSet | None,
    identity: Mapping[str, Any],
    jobs: tuple[Job, ...],
    tell: Tell,
) -> tuple[list[Outcome], tuple[str, ...]]:
    from edgewright.conversion import calibration
    from edgewright.conversion.verify import Verifier

    work = bundle.work_folder()
    with _converters(options, work) as (children, free):
        first = children[0]
        row = first.open()
        source = _source_info(options, row, identity)
        prepared = None
        if data is not None:
            prepared = calibration.prepare(
                data,
                samples=options.samples,
                seed=options.seed,
                preprocess=options.preprocess,
                inputs=source.inputs,
                folder=work,
            )
            source = replace(source, calibration={**identity, "ranges": prepared.ranges})
        golden = first.ask(
            {
                "do": "goldens",
                "raw": str(prepared.golden_raw) if prepared else "",
                "feeds": str(prepared.golden_feeds) if prepared else "",
                "seed": options.seed,
                "out": str(bundle.path / "golden.npz"),
            }
        )
        bundle.write_head(source)
        bundle.drop_other_sources(source)
        verifier = Verifier(bundle.golden(), real=golden["golden"] == "real", folder=work)
        builder = Builder(
            bundle=bundle,
            options=options,
            source=source,
            calibration=str(prepared.calibration) if prepared else "",
            golden=golden["golden"],
            goldens_sha256=golden["sha256"],
            converters=free,
            children=children,
            verifier=verifier,
            tell=tell,
        )
        try:
            outcomes = builder.build(jobs)
        finally:
            verifier.close()
    about_data = prepared.warnings if prepared else ()
    return outcomes, (*source.notes, *_about_labels(source), *about_data)


def _about_labels(source: SourceInfo) -> tuple[str, ...]:
    """One score may stand for two classes; else an output has as many values as there are."""
    values = {spec.shape[-1] for spec in source.outputs if spec.shape}
    count = len(source.labels)
    if not count or count in values or None in values or (count == 2 and 1 in values):
        return ()
    outputs = ", ".join(f"{spec.name} {list(spec.shape)}" for spec in source.outputs)
    return (f"there are {count} labels, and no output has {count} values: {outputs}",)


@contextmanager
def _converters(
    options: ConvertOptions, work: Path
) -> Iterator[tuple[tuple[Converter, ...], SimpleQueue[Converter]]]:
    """The children, all and the free ones; the first is warm and reads the source for the plan."""
    children = tuple(
        Converter(
            options.model,
            unsafe=options.unsafe,
            signature=options.signature,
            log=work / f"converter-{i}.log",
        )
        for i in range(options.workers)
    )
    free: SimpleQueue[Converter] = SimpleQueue()
    try:
        children[0].warm()
        for child in children:
            free.put(child)
        yield children, free
    except BaseException:
        for child in children:
            child.kill()
        raise
    for child in children:
        child.close()


def _source_info(
    options: ConvertOptions, row: Mapping[str, Any], identity: Mapping[str, Any]
) -> SourceInfo:
    return from_dict(
        SourceInfo,
        {
            "path": str(options.model.resolve()),
            "sha256": options.source_sha256,
            "kind": row["kind"],
            "inputs": row["inputs"],
            "outputs": row["outputs"],
            "stateful": row["stateful"],
            "notes": row["notes"],
            "unsafe": options.unsafe,
            "signature": options.signature,
            "preprocess": options.preprocess.to_dict(),
            "labels": list(options.labels),
            "calibration": dict(identity),
        },
    )


def _key(options: ConvertOptions, variant: Variant, identity: Mapping[str, Any]) -> BuildKey:
    return BuildKey(
        source_sha256=options.source_sha256,
        variant=variant,
        batch=options.batch_of(variant.format),
        opset=options.opset if variant.format == "onnx" else None,
        calibration=identity,
        preprocess_sha256=_hash(options.preprocess.to_dict()),
        labels_sha256=_hash(list(options.labels)),
        unsafe=options.unsafe,
        signature=options.signature,
        tools=tool_versions(variant.format),
        converter=converter_version(),
    )


def _hash(plain: object) -> str:
    import hashlib
    import json

    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()


def _source_file(
    model: object, bundle: Bundle, signature: Sequence[object] | None
) -> tuple[Path, str]:
    """The source's path and hash; a live object is first saved inside the bundle."""
    from edgewright_converters.sources.identity import source_sha256

    if isinstance(model, str | Path):
        path = Path(model)
        if not path.exists():
            raise BadInput(f"no such model: {path}", hint="give a .keras, .h5 or SavedModel path")
        return path, source_sha256(path)
    from edgewright_converters.sources.saving import save_live

    return save_live(model, bundle.path / "source", signature=signature)


def _open_data(options: ConvertOptions) -> DataSet | None:
    if not options.calibrate:
        return None
    from edgewright.data import open_data

    return open_data(options.calibrate, preprocess=options.preprocess)


def _preprocess(given: Path | Mapping[str, Any] | None) -> Preprocess:
    from edgewright_runtimes.preprocess import Preprocess

    if given is None or isinstance(given, Mapping):
        return Preprocess.from_dict(given or {})
    from edgewright.data import load_preprocess

    return load_preprocess(given)


def _batch(batch: Batch) -> Batch:
    if isinstance(batch, int) and batch < 1:
        raise BadInput(f"batch is {batch}; 1 or more, or 'dynamic'")
    return batch


def _positive(name: str, value: int) -> int:
    if value < 1:
        raise BadInput(f"{name} is {value}; 1 or more is needed")
    return value

"""``convert``: one trained model to a bundle of verified artifacts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgewright.bundle import Bundle
from edgewright.conversion.builder import Job, Outcome, Tell
from edgewright.conversion.options import Batch, ConvertOptions, ConvertResult
from edgewright.conversion.planning import plan_jobs, sort_out
from edgewright.conversion.variants import select_variants
from edgewright.seen import Seen
from edgewright_runtimes.errors import BadInput
from edgewright_runtimes.records import Artifact, Failure

if TYPE_CHECKING:
    from edgewright.conversion.running import Derived
    from edgewright.data import DataSet
    from edgewright_runtimes.preprocess import Preprocess


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
    artifact or failure as it comes. A bundle of another model is refused, but with ``force``; the
    model that was retrained, at the same path or live, takes the place of what it was.

    Raises ``UsageError`` for bad input, ``BundleBusy`` where another run holds ``out``.
    """
    bundle = Bundle.create(Path(out))
    with bundle.lock():
        path, sha256 = source_file(model, bundle, signature)
        if not force and not _is_retrained(bundle, path):
            refuse_another(bundle, path, sha256)
        options = ConvertOptions(
            model=path,
            out=Path(out),
            variants=select_variants(formats, variants),
            calibrate=calibrate,
            samples=positive("samples", samples),
            seed=seed,
            batch=_batch(batch),
            opset=opset,
            preprocess=read_preprocess(preprocess),
            labels=tuple(labels),
            workers=positive("workers", workers),
            force=force,
            unsafe=unsafe,
            signature=signature_name,
            source_sha256=sha256,
        )
        return run_locked(bundle, options, tell)


def run_locked(
    bundle: Bundle,
    options: ConvertOptions,
    tell: Tell,
    *,
    data: DataSet | None = None,
    derived: Derived | None = None,
) -> ConvertResult:
    """With the bundle's lock held. ``data`` in place of what ``options.calibrate`` names.

    ``derived``: ``options.model`` is a compressed one, and the bundle stays that of its source.
    """
    from edgewright.conversion import calibration
    from edgewright.conversion.running import build

    data = _open_data(options) if data is None else data
    identity = calibration.identity(data, options.samples, options.seed)
    if data is not None and data.class_names and not options.labels:
        options = replace(options, labels=tuple(data.class_names))
    jobs = plan_jobs(options, identity)
    seen = Seen(bundle)
    swapped = () if options.force else _drop_swapped(bundle, jobs, seen)
    taken, refused, todo = sort_out(bundle, options, jobs)
    outcomes: list[Outcome] = []
    warnings: tuple[str, ...] = ()
    known = bundle.source
    another = known is None or known.sha256 != options.source_sha256
    if todo or (another and derived is None):
        # with nothing to build the source is read all the same: the bundle is of it from now on
        outcomes, warnings = build(bundle, options, data, identity, todo, tell, derived=derived)
    for failure in refused:
        tell(failure)
    for job, failure in ((j, f) for j in jobs for f in refused if f.artifact == j.variant.name):
        if not failure.build_key:  # refused now, for want of data
            bundle.remove_artifact(job.variant.name)
            bundle.add_failure(failure)
    source = bundle.source
    if outcomes and source is not None:
        bundle.write_head(source)  # the index names what is there now
    built = tuple(o for o in outcomes if isinstance(o, Artifact))
    for artifact in built:
        seen.remember(artifact)
    seen.write()
    return ConvertResult(
        bundle=bundle.path,
        built=built,
        taken=taken,
        failures=(*refused, *(o for o in outcomes if isinstance(o, Failure))),
        warnings=(*swapped, *warnings),
    )


def _drop_swapped(bundle: Bundle, jobs: Sequence[Job], seen: Seen) -> tuple[str, ...]:
    """Remove what would be taken as built and is not what was built; a warning for each."""
    keys = {job.variant.name: job.key.digest for job in jobs}
    warnings = []
    for artifact in bundle.artifacts():
        if keys.get(artifact.name) == artifact.build_key and not seen.is_whole(artifact):
            bundle.remove_artifact(artifact.name)
            warnings.append(
                f"{artifact.name}: its file was not the one that was built, so it is built again"
            )
    return tuple(warnings)


def source_file(
    model: object, bundle: Bundle, signature: Sequence[object] | None
) -> tuple[Path, str]:
    """The source's path and hash; a live object is first saved inside the bundle."""
    if isinstance(model, str | Path):
        path = Path(model)
        if not path.exists():
            raise BadInput(f"no such model: {path}", hint="give a .keras, .h5 or SavedModel path")
        seen = Seen(bundle)
        sha256 = seen.source_sha256(path)
        seen.write()
        return path, sha256
    from edgewright_converters.sources.saving import save_live

    return save_live(model, bundle.path / "source", signature=signature)


def refuse_another(bundle: Bundle, path: Path, sha256: str) -> None:
    """What was made of one model is not covered up by another's, by a slip of ``--out``.

    Raises ``BadInput`` where the bundle's source has another hash.
    """
    known = bundle.source
    if known is None or known.sha256 == sha256:
        return
    bundle.drop_other_sources(known)  # a live object was saved there
    raise BadInput(
        f"{bundle.path} is of another model: {known.path} (sha256 {known.sha256[:8]}), and "
        f"{path} has {sha256[:8]}",
        hint="name another --out, or type --force to begin this one anew",
    )


def _is_retrained(bundle: Bundle, path: Path) -> bool:
    """Whether ``path`` is where the bundle's source was; live objects are all at one place."""
    known = bundle.source
    if known is None:
        return False
    if path.resolve().is_relative_to((bundle.path / "source").resolve()):
        return bundle.own_source(known) is not None
    return str(path.resolve()) == known.path


def _open_data(options: ConvertOptions) -> DataSet | None:
    if not options.calibrate:
        return None
    from edgewright.data import open_data

    return open_data(options.calibrate, preprocess=options.preprocess)


def read_preprocess(given: Path | Mapping[str, Any] | None) -> Preprocess:
    from edgewright_runtimes.preprocess import Preprocess

    if given is None or isinstance(given, Mapping):
        return Preprocess.from_dict(given or {})
    from edgewright.data import load_preprocess

    return load_preprocess(given)


def _batch(batch: Batch) -> Batch:
    if isinstance(batch, int) and batch < 1:
        raise BadInput(f"batch is {batch}; 1 or more, or 'dynamic'")
    return batch


def positive(name: str, value: int) -> int:
    if value < 1:
        raise BadInput(f"{name} is {value}; 1 or more is needed")
    return value

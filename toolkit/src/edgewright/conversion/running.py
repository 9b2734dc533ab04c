"""One run of the converter processes: open the source, prepare data and goldens, build the jobs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

from edgewright.bundle import Bundle, read_goldens
from edgewright.conversion.builder import Builder, Job, Outcome, Tell
from edgewright.conversion.converter import Converter
from edgewright.conversion.options import ConvertOptions
from edgewright_runtimes.record_json import from_dict
from edgewright_runtimes.records import SourceInfo

if TYPE_CHECKING:
    from edgewright.conversion.calibration import Prepared
    from edgewright.data import DataSet


@dataclass(frozen=True, slots=True, kw_only=True)
class Derived:
    """``options.model`` is a compressed one in ``folder``; ``source`` is what it came from.

    Its goldens are its own: an artifact is judged by the model that it was written from.
    """

    folder: Path
    source: SourceInfo


def build(
    bundle: Bundle,
    options: ConvertOptions,
    data: DataSet | None,
    identity: Mapping[str, Any],
    jobs: tuple[Job, ...],
    tell: Tell,
    *,
    derived: Derived | None = None,
) -> tuple[list[Outcome], tuple[str, ...]]:
    from edgewright.conversion.verify import Verifier

    work = bundle.work_folder()
    with _converters(options, work) as (children, free):
        first = children[0]
        row = first.open()
        source = _source_info(options, row, identity) if derived is None else derived.source
        goldens = (bundle.path if derived is None else derived.folder) / "golden.npz"
        prepared = _prepare(data, options, source, work) if data is not None else None
        if prepared is not None:
            source = replace(source, calibration={**identity, "ranges": prepared.ranges})
        golden = first.ask(
            {
                "do": "goldens",
                "raw": str(prepared.golden_raw) if prepared else "",
                "feeds": str(prepared.golden_feeds) if prepared else "",
                "seed": options.seed,
                "out": str(goldens),
            }
        )
        if derived is None:
            bundle.write_head(source)
            bundle.drop_other_sources(source)
        verifier = Verifier(read_goldens(goldens), real=golden["golden"] == "real", folder=work)
        builder = Builder(
            bundle=bundle,
            options=options,
            source=source,
            calibration=str(prepared.calibration) if prepared else "",
            goldens=goldens,
            ranges=_ranges(derived),
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
    return outcomes, (*source.notes, *about_labels(source), *about_data)


def _prepare(data: DataSet, options: ConvertOptions, source: SourceInfo, work: Path) -> Prepared:
    from edgewright.conversion import calibration

    return calibration.prepare(
        data,
        samples=options.samples,
        seed=options.seed,
        preprocess=options.preprocess,
        inputs=source.inputs,
        folder=work,
    )


def _ranges(derived: Derived | None) -> str:
    """Those that a step has trained, for the integer schemes to take over."""
    path = derived.folder / "ranges.json" if derived else None
    return str(path) if path is not None and path.exists() else ""


def about_labels(source: SourceInfo) -> tuple[str, ...]:
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

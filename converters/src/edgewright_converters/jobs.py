"""What the converter process does for one job: goldens, one artifact, or a batch of outputs."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgewright_runtimes.records import Contract, Variant
from edgewright_runtimes.version import __version__

if TYPE_CHECKING:
    import numpy as np

    from edgewright_converters.formats.format import Calibration, FormatModule, Written
    from edgewright_converters.sources.source import Source

    Arrays = dict[str, np.ndarray[Any, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConvertJob:
    """One artifact to make. Paths are plain strings: it crosses a process border as JSON.

    ``calibration`` and ``goldens`` name ``.npz`` files, ``ranges`` the ``ranges.json`` beside a
    model that was trained with them; empty where there are none.
    """

    variant: Variant
    batch: int | None
    opset: int | None
    folder: str
    calibration: str
    goldens: str
    goldens_sha256: str
    source_name: str
    source_sha256: str
    preprocess: Mapping[str, Any] = field(default_factory=dict)
    labels: tuple[str, ...] = ()
    ranges: str = ""


def convert(source: Source, job: ConvertJob) -> dict[str, Any]:
    """Write one artifact with its contract inside; returns the ``written`` row's fields.

    A TF.js artifact is also rebuilt from its files and run on the goldens here, in TensorFlow.
    """
    from edgewright_converters.compression.ranges import read_ranges
    from edgewright_converters.embed import embed_contract
    from edgewright_converters.formats.format import WriteRequest

    start = time.perf_counter()
    folder = Path(job.folder)
    folder.mkdir(parents=True, exist_ok=True)
    request = WriteRequest(
        variant=job.variant,
        batch=job.batch,
        opset=job.opset,
        calibration=_calibration(job),
        ranges=read_ranges(Path(job.ranges)) if job.ranges else None,
    )
    written = _writer(job.variant.format).write(source, request, folder)
    embed_contract(folder / written.file, _contract(source, job, written))
    row: dict[str, Any] = {
        "file": written.file,
        "details": dict(written.details),
        "warnings": list(written.warnings),
        "seconds": time.perf_counter() - start,
    }
    if job.variant.format == "tfjs" and job.goldens:
        row["outputs"] = _run_rebuilt(folder, Path(job.goldens))
    return row


def _writer(name: str) -> FormatModule:
    from edgewright_converters.formats import onnx, tfjs, tflite

    writers: dict[str, FormatModule] = {"tflite": tflite, "onnx": onnx, "tfjs": tfjs}
    return writers[name]


def _calibration(job: ConvertJob) -> Calibration | None:
    from edgewright_converters.formats.format import Calibration

    return Calibration(feeds=_arrays(job.calibration)) if job.calibration else None


def _contract(source: Source, job: ConvertJob, written: Written) -> Contract:
    return Contract(
        inputs=written.inputs,
        outputs=written.outputs,
        batch=job.batch,
        scheme=str(written.details.get("scheme_in_force", job.variant.scheme)),
        preprocess=job.preprocess,
        labels=job.labels,
        quantization=written.quantization,
        provenance={
            "edgewright": __version__,
            "source": job.source_name,
            "source_sha256": job.source_sha256,
            "kind": source.kind,
        },
        goldens_sha256=job.goldens_sha256,
        stateful=source.stateful,
    )


def _run_rebuilt(folder: Path, goldens: Path) -> str:
    """Rebuild a TF.js artifact from its files and run it on the goldens; names the outputs."""
    from edgewright_converters.tfjs_graph import rebuild

    goldens_by_name = _arrays(str(goldens))
    feeds = {
        name.removeprefix("input/"): array
        for name, array in goldens_by_name.items()
        if name.startswith("input/")
    }
    out = folder.parent / f"{folder.name}-outputs.npz"
    _save(out, rebuild(folder)(feeds))
    return str(out)


def make_golden_file(source: Source, job: Mapping[str, Any]) -> dict[str, Any]:
    """Write ``golden.npz``: 8 real items where there are any, else seeded random ones.

    The job names ``raw`` and ``feeds`` (the same items after preprocessing), or has them empty.
    """
    from edgewright_converters.goldens import make_goldens

    raw = _arrays(job["raw"]) if job["raw"] else None
    feeds = _arrays(job["feeds"]) if job["feeds"] else None
    goldens = make_goldens(source, raw=raw, feeds=feeds, seed=int(job["seed"]))
    _save(Path(job["out"]), goldens)
    return {"sha256": arrays_sha256(goldens), "golden": "random" if feeds is None else "real"}


def predict(source: Source, inputs: Path, outputs: Path) -> None:
    """The source's own outputs on preprocessed feeds [items, ...], by output name."""
    _save(outputs, source.predict(_arrays(str(inputs))))


def arrays_sha256(arrays: Arrays) -> str:
    """A hash of names, dtypes, shapes and values: a zip's own bytes carry the time of day."""
    digest = hashlib.sha256()
    for name in sorted(arrays):
        array = arrays[name]
        digest.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def _arrays(path: str) -> Arrays:
    import numpy as np

    with np.load(path, allow_pickle=False) as arrays:
        return dict(arrays)


def _save(path: Path, arrays: Arrays) -> None:
    import numpy as np

    temporary = path.with_name(f".{path.name}.{os.getpid()}.npz")
    np.savez(temporary, **arrays)  # type: ignore[arg-type]
    temporary.replace(path)

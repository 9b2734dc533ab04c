"""What is to be built: a build key for each variant, and what can be taken as it lies there."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from edgewright.bundle import Bundle
from edgewright.conversion.builder import Job
from edgewright.conversion.keys import converter_version, tool_versions
from edgewright.conversion.options import ConvertOptions
from edgewright.conversion.variants import NEEDS_CALIBRATION
from edgewright_runtimes.records import Artifact, BuildKey, Failure, Variant


def plan_jobs(options: ConvertOptions, identity: Mapping[str, Any]) -> tuple[Job, ...]:
    """``identity`` is the calibration's part of the keys."""
    return tuple(Job(variant=v, key=_key(options, v, identity)) for v in options.variants)


def sort_out(
    bundle: Bundle, options: ConvertOptions, jobs: tuple[Job, ...]
) -> tuple[tuple[Artifact, ...], tuple[Failure, ...], tuple[Job, ...]]:
    """What can be taken as it lies there, what can't be built, and what is to be built.

    What lies there is what was built: ``seen.Seen`` has looked, and dropped what is not.
    """
    built = {a.name: a for a in bundle.artifacts()}
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


def _needs_data(job: Job) -> Failure:
    return Failure(
        artifact=job.variant.name,
        stage="convert",
        error=f"{job.variant.scheme} is calibrated on real data, and none was given",
        hint="add --calibrate DATA (.npz, a folder of class folders, .csv, module:function)",
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
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()

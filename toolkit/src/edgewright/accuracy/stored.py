"""Where an evaluation's arrays lie in the bundle, and which evaluations still hold.

check-<key>-source.npz       the source's outputs: taken again while source and items are the same
check-<key>-labels.npz       y, and the items' numbers
check-<key>-targets.npz      the model's inputs, where it is to reconstruct them
check-<key>-<artifact>-<runtime>.npz and .json, with the target before the artifact: not local
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from edgewright.atomic import atomic_file
from edgewright.bundle import Bundle, artifact_sha256
from edgewright.targets.target import place_words

if TYPE_CHECKING:
    import numpy as np

    from edgewright_runtimes.records import Evaluation

    Array = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """Names within the bundle's ``measurements`` of one check: one source, one set of items."""

    job: str

    @property
    def source(self) -> str:
        return f"{self.job}-source.npz"

    @property
    def labels(self) -> str:
        return f"{self.job}-labels.npz"

    @property
    def targets(self) -> str:
        return f"{self.job}-targets.npz"

    def outputs(self, artifact: str, runtime: str, target: str) -> str:
        words = [self.job, place_words(target), artifact, runtime]
        return f"{'-'.join(word for word in words if word)}.npz"


def files_for(
    source_sha256: str, data_sha256: str, indices: Array, preprocess: Mapping[str, Any]
) -> Files:
    words = json.dumps([source_sha256, data_sha256, dict(preprocess)], sort_keys=True)
    digest = hashlib.sha256(words.encode() + indices.astype("<i8").tobytes())
    return Files(job=f"check-{digest.hexdigest()[:12]}")


def save_labels(
    bundle: Bundle, name: str, y: Array, indices: Array, class_names: Sequence[str]
) -> None:
    import numpy as np

    names = np.asarray(class_names, dtype=np.str_)
    with atomic_file(bundle.array_file(name)) as stream:
        np.savez(stream, y=y, indices=indices, class_names=names)


def current_evaluations(bundle: Bundle) -> tuple[tuple[Evaluation, ...], tuple[Evaluation, ...]]:
    """Those of the artifacts as they lie there now, and those set aside.

    Set aside are rows of an artifact that is gone, or that is another one now (by its hash).
    """
    now = {a.name: artifact_sha256(bundle, a) for a in bundle.artifacts() if _there(bundle, a)}
    kept: list[Evaluation] = []
    aside: list[Evaluation] = []
    for evaluation in bundle.evaluations():
        same = now.get(evaluation.artifact) == evaluation.artifact_sha256
        (kept if same else aside).append(evaluation)
    return tuple(kept), tuple(aside)


def _there(bundle: Bundle, artifact: Any) -> bool:
    return bundle.model_file(artifact).exists()

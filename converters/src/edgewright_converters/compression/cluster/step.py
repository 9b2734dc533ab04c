"""The step ``cluster``: weight sharing. Each kernel has at most so many values, and is trained on.

What comes out is a plain model; its kernels pack well when zipped. No runtime takes less time.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from edgewright_converters.compression.cluster.centroids import Start, find_centroids, nearest
from edgewright_converters.compression.constraints import (
    CLUSTERED,
    SPARSE,
    Clusters,
    Groups,
    Masks,
    channel_scale,
    held,
    recorded,
)
from edgewright_converters.compression.graph.build import copy_model
from edgewright_converters.compression.step import StepResult
from edgewright_converters.compression.training import FinetunePlan
from edgewright_converters.compression.training.kernels import KNOWN, Kernel, choose_kernels
from edgewright_converters.compression.training.one_shot import fit_or_finish
from edgewright_runtimes.errors import BadInput

if TYPE_CHECKING:
    import numpy as np

    from edgewright_converters.compression.context import Context

    Array = np.ndarray[Any, Any]

SUMMARY = "give every kernel a few shared values while fine-tuning: smaller when zipped"
_LABEL = re.compile(r"cluster(\d+)(scaled)?(sparse)?")


@dataclass(frozen=True, kw_only=True)
class ClusterFinetune(FinetunePlan):
    """Gentler than elsewhere: values that are shared move together."""

    learning_rate: float = 3e-4


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """The words are TFMOT's. A kernel that is kept sparse has zero as one of its values.

    ``preserve_sparsity``: zeros stay zero; left out, they do where a ``prune`` stands before.
    ``channel_scale``: the values are magnitudes beside the greatest of their output channel, with
    both signs. Integer files have a scale for each channel too, so that their codes are few and
    the same in all channels: they pack better, while the float kernel has more values.
    """

    number_of_clusters: int = 16
    cluster_centroids_init: Start = "kmeans++"
    preserve_sparsity: bool | None = None
    channel_scale: bool = False
    layers: tuple[str, ...] = ()  # names with * and ?, or kinds; empty: all that are known
    finetune: ClusterFinetune = field(default_factory=ClusterFinetune)

    def __post_init__(self) -> None:
        if self.number_of_clusters < 2:
            raise BadInput(
                f"number_of_clusters is {self.number_of_clusters}; 2 or more was expected",
                hint="16 values fit into 4 bits",
            )

    @property
    def label(self) -> str:
        scaled, sparse = "scaled" * self.channel_scale, "sparse" * (self.preserve_sparsity is True)
        return f"cluster{self.number_of_clusters}{scaled}{sparse}"


PARAMS = Cluster


def from_label(word: str) -> Cluster | None:
    """``cluster16``, ``cluster16scaled``; ``cluster16sparse`` keeps zeros whatever is before."""
    found = _LABEL.fullmatch(word)
    if found is None:
        return None
    return Cluster(
        number_of_clusters=int(found[1]),
        channel_scale=bool(found[2]),
        preserve_sparsity=True if found[3] else None,
    )


def apply(model: Any, params: Cluster, context: Context) -> StepResult:
    """Raises ``BadInput`` where no layer can be clustered."""
    clustered = copy_model(model)
    kernels, skipped = choose_kernels(clustered, params.layers)
    if not kernels:
        reasons = "; ".join(f"{s.layer}: {s.reason}" for s in skipped)
        known = f"kinds that have one: {', '.join(KNOWN)}"
        raise BadInput("the model has no layer to cluster", hint=reasons or known)
    groups: list[tuple[Any, Groups]] = []
    before, lost = held(clustered, context.history, free=[kernel.name for kernel in kernels])
    sparse = _sparse(kernels, params, context)
    for kernel in kernels:
        sharing = _share(kernel, params, context.seed, sparse=kernel.name in sparse)
        groups.append((kernel.variable, sharing))
    masks = [(k.variable, k.variable.numpy() != 0) for k in kernels if k.name in sparse]
    constraints = [*before, *([Masks(masks)] if masks else []), Clusters(groups)]
    result = fit_or_finish(clustered, params.finetune, context, constraints)
    return StepResult(
        model=clustered,
        skipped=skipped,
        notes=(*lost, *result.notes),
        details={
            CLUSTERED: {k.name: params.number_of_clusters for k in kernels},
            SPARSE: {k.name: _zeros(k) for k in kernels if k.name in sparse},
            "epochs": list(result.history),
            "best_epoch": result.best_epoch,
        },
    )


def _sparse(kernels: Sequence[Kernel], params: Cluster, context: Context) -> set[str]:
    """Names of the kernels whose zeros stay."""
    if params.preserve_sparsity is not None:
        return {k.name for k in kernels if params.preserve_sparsity and _zeros(k)}
    pruned = recorded(SPARSE, context.history, {k.name: k.variable for k in kernels})
    return {k.name for k in kernels if k.name in pruned}


def _share(kernel: Kernel, params: Cluster, seed: int, *, sparse: bool) -> Groups:
    """Give the kernel its shared values, and the group of each of its elements back."""
    import numpy as np

    values = kernel.variable.numpy()
    kept = values != 0 if sparse else np.ones(values.shape, bool)
    count = params.number_of_clusters - 1 if sparse else params.number_of_clusters
    scale = channel_scale(values) if params.channel_scale else np.ones_like(values)
    if params.channel_scale:
        count = max(1, count // 2)  # each with both signs
    shown = values / scale
    learnt = shown[kept] if kept.any() else shown
    centroids = find_centroids(learnt, count, params.cluster_centroids_init, seed)
    codes = nearest(shown, centroids)
    kernel.variable.assign(np.where(kept, centroids[codes] * scale, 0).astype(values.dtype))
    return Groups(codes=codes, scale=scale)


def _zeros(kernel: Kernel) -> float:
    return round(float((kernel.variable.numpy() == 0).mean()), 6)

"""Which weights stay: masks by magnitude, for one kernel or over all of them.

Every function takes kernels as arrays and gives booleans of their shapes, true where a weight
stays. What is zero already is the first to go: a mask that grows keeps what it had.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from edgewright_runtimes.errors import BadInput

if TYPE_CHECKING:
    import numpy as np

    from edgewright_converters.compression.prune.structure import Structure

    Array = np.ndarray[Any, Any]


def layer_mask(values: Array, sparsity: float, structure: Structure) -> Array:
    """The smallest ``sparsity`` of the kernel's weights (or blocks) go."""
    scores = _unit_scores(values, structure)
    return _of_units(_smallest(scores, round(sparsity * scores.size)), values, structure)


def group_mask(values: Array, sparsity: float, structure: Structure, input_axis: int) -> Array:
    """N of every M stay; below the final sparsity only the smallest of those that will go."""
    import numpy as np

    sizes = np.moveaxis(np.abs(values), input_axis, -1)
    groups = sizes.reshape(-1, structure.group)
    order = np.argsort(-groups, axis=1, kind="stable")
    kept: Array = np.zeros(groups.shape, bool)
    np.put_along_axis(kept, order[:, : structure.kept], True, axis=1)
    kept = np.moveaxis(kept.reshape(sizes.shape), -1, input_axis)
    final = structure.sparsity or 0.0
    if sparsity < final:
        leaving = np.where(kept, np.inf, np.abs(values))
        return ~_smallest(leaving, round(sparsity * values.size))
    return kept


def global_masks(
    kernels: Mapping[str, Array],
    sparsity: float,
    structure: Structure,
    *,
    least_kept: int,
    least_share: float,
) -> dict[str, Array]:
    """The smallest over all kernels go, by LAMP's score (Lee et al., ICLR 2021): a weight's square
    over the sum of the squares of those in its kernel that are not smaller.

    A kernel keeps its ``least_kept`` greatest weights and ``least_share`` of them.
    Raises ``BadInput`` where those floors leave too little to prune.
    """
    import numpy as np

    units = {name: _unit_scores(values, structure) for name, values in kernels.items()}
    lamp = {name: _lamp(scores) for name, scores in units.items()}
    for name, scores in units.items():
        floor = max(least_kept / structure.block, least_share * scores.size)
        kept = min(scores.size, int(np.ceil(floor)))
        greatest = np.argsort(-scores.reshape(-1), kind="stable")[:kept]
        lamp[name].reshape(-1)[greatest] = np.inf
    every = np.concatenate([scores.reshape(-1) for scores in lamp.values()])
    count = round(sparsity * every.size)
    free = int(np.isfinite(every).sum())
    if count > free:
        raise BadInput(
            f"sparsity {sparsity:g} over all layers is out of reach: the floors leave at most"
            f" {free / every.size:.3f}",
            hint="a smaller sparsity, least_kept or least_share",
        )
    gone = _smallest(every, count)
    masks, start = {}, 0
    for name, values in kernels.items():
        size = units[name].size
        part = gone[start : start + size].reshape(units[name].shape)
        masks[name] = _of_units(part, values, structure)
        start += size
    return masks


def _lamp(scores: Array) -> Array:
    import numpy as np

    flat = scores.reshape(-1).astype(np.float64) ** 2
    order = np.argsort(flat, kind="stable")
    rest = np.cumsum(flat[order][::-1])[::-1]  # of those that are not smaller
    lamp = np.empty_like(flat)
    lamp[order] = flat[order] / np.maximum(rest, np.finfo(np.float64).tiny)
    return lamp.reshape(scores.shape)


def _smallest(scores: Array, count: int) -> Array:
    """True at the ``count`` smallest; among equals the first."""
    import numpy as np

    chosen = np.zeros(scores.size, bool)
    chosen[np.argsort(scores.reshape(-1), kind="stable")[:count]] = True
    return chosen.reshape(scores.shape)


def _unit_scores(values: Array, structure: Structure) -> Array:
    """The mean magnitude of each block; of each weight, where there are no blocks."""
    import numpy as np

    sizes = np.abs(values)
    if structure.block == 1:
        return sizes
    starts = np.arange(0, values.shape[-1], structure.block)
    members = np.diff([*starts, values.shape[-1]])
    return np.asarray(np.add.reduceat(sizes, starts, axis=-1) / members)


def _of_units(gone: Array, values: Array, structure: Structure) -> Array:
    import numpy as np

    if structure.block == 1:
        return ~gone
    return ~np.repeat(gone, structure.block, axis=-1)[..., : values.shape[-1]]


def emptied(masks: Mapping[str, Array]) -> Sequence[str]:
    """Kernels of which nothing would be left."""
    return [name for name, mask in masks.items() if not mask.any()]

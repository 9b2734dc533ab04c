"""What earlier steps made of the weights, held through any later training.

``held`` builds it again from the records of those steps and from the weights themselves: where a
pruned kernel is zero it stays zero, and weights that share a value go on sharing one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from edgewright_converters.compression.training.kernels import weights_by_name

if TYPE_CHECKING:
    import numpy as np

    from edgewright_converters.compression.training.constraint import Constraint
    from edgewright_runtimes.records import StepRecord

    Array = np.ndarray[Any, Any]

SPARSE = "sparse"  # in a step's details: share of zeros by weight name
CLUSTERED = "clustered"  # in a step's details: number of values by weight name


def held(
    model: Any, history: Sequence[StepRecord], *, free: Sequence[str] = ()
) -> tuple[tuple[Constraint, ...], tuple[str, ...]]:
    """Constraints on the weights of ``model`` after the steps of ``history``, and notes.

    ``free`` are names of weights that the caller takes care of.

    A weight is found by its layer's name. One that is no longer what its record says (equalization
    gives every channel a scale of its own) is left free, and a note says so.
    """
    sparse: dict[str, float] = {}
    clustered: dict[str, int] = {}
    for record in history:
        sparse |= {name: float(share) for name, share in record.details.get(SPARSE, {}).items()}
        clustered |= {name: int(n) for name, n in record.details.get(CLUSTERED, {}).items()}
    for name in free:
        sparse.pop(name, None)
        clustered.pop(name, None)
    weights = weights_by_name(model) if sparse or clustered else {}
    notes = _lost(weights, [*sparse, *clustered])
    masked = {name: weights[name] for name in sparse if name in weights}
    grouped = {}
    for name, count in clustered.items():
        if name in weights:
            codes = cluster_codes(weights[name].numpy(), count)
            if codes is None:
                notes.append(f"{name} has more than {count} values: it is no longer clustered")
            else:
                grouped[name] = (weights[name], codes)
    constraints: list[Constraint] = []
    if masked:
        constraints.append(Masks([(w, w.numpy() != 0) for w in masked.values()]))
    if grouped:
        constraints.append(Clusters(list(grouped.values())))
    return tuple(constraints), tuple(notes)


def _lost(weights: Mapping[str, Any], names: Sequence[str]) -> list[str]:
    gone = sorted({name for name in names if name not in weights} if weights else ())
    return [f"{name} is not in the model any more: nothing to hold" for name in gone]


class Masks:
    """Weights that stay zero where their mask is. ``pairs`` are a weight and its mask, alike."""

    def __init__(self, pairs: Sequence[tuple[Any, Array]]) -> None:
        import tensorflow as tf

        self._weights = [weight for weight, _ in pairs]
        self._masks = [
            tf.Variable(tf.cast(mask, weight.dtype), trainable=False) for weight, mask in pairs
        ]

    def variables(self) -> Sequence[Any]:
        return self._masks

    def before_step(self, step: int, total: int) -> None:
        """The masks are as they were found."""

    def before_update(self) -> None:
        """The optimizer may move what is masked: it is put back afterwards."""

    def after_update(self) -> None:
        for weight, mask in zip(self._weights, self._masks, strict=True):
            weight.assign(weight.value * mask)

    def settled(self, step: int) -> bool:
        return True

    def finish(self) -> None:
        self.after_update()

    def numbers(self) -> Mapping[str, float]:
        kept = sum(float(mask.numpy().sum()) for mask in self._masks)
        return {"sparsity": 1 - kept / sum(mask.numpy().size for mask in self._masks)}


class Clusters:
    """Weights in groups of one value each; what is zero is in no group, and stays so.

    ``pairs`` are a weight and the group of each of its elements, numbered from 0. After every
    update a group's new value is the mean of its members: of an optimizer that is linear in the
    gradient that is the group's own gradient step. Nobody changes groups: to send each weight to
    the nearest after every step (straight-through) was tried, and learns worse in a few epochs.
    """

    def __init__(self, pairs: Sequence[tuple[Any, Array]]) -> None:
        import tensorflow as tf

        self._weights = [weight for weight, _ in pairs]
        self._codes = [tf.constant(codes.reshape(-1), tf.int32) for _, codes in pairs]
        self._counts = [int(codes.max()) + 1 for _, codes in pairs]

    def variables(self) -> Sequence[Any]:
        return ()

    def before_step(self, step: int, total: int) -> None:
        """The groups are as they were found."""

    def before_update(self) -> None:
        """Members move apart in the update, and are brought together after it."""

    def after_update(self) -> None:
        for weight, codes, count in zip(self._weights, self._codes, self._counts, strict=True):
            weight.assign(group_means(weight.value, codes, count))

    def settled(self, step: int) -> bool:
        return True

    def finish(self) -> None:
        self.after_update()

    def numbers(self) -> Mapping[str, float]:
        return {}


def group_means(weight: Any, codes: Any, count: int) -> Any:
    """Each element's group mean, in the graph; zeros count for nothing and stay zero."""
    import tensorflow as tf

    flat = tf.reshape(weight, [-1])
    member = tf.cast(flat != 0, flat.dtype)
    members = tf.math.unsorted_segment_sum(member, codes, count)
    means = tf.math.unsorted_segment_sum(flat, codes, count) / tf.maximum(members, 1)
    return tf.reshape(tf.gather(means, codes) * member, tf.shape(weight))


def cluster_codes(values: Array, count: int) -> Array | None:
    """The group of each element: equal values, over the kernel or, where those are too many, in
    each output channel (batch norm that was folded in gave each its own scale).

    ``None`` where even a channel has more than ``count`` values besides zero.
    """
    import numpy as np

    found, codes = np.unique(values, return_inverse=True)
    codes = codes.reshape(values.shape)
    if np.count_nonzero(found) <= count:
        return codes
    channels = codes.reshape(-1, values.shape[-1])
    grouped = np.empty_like(channels)
    start = 0
    for channel in range(channels.shape[1]):
        own, inverse = np.unique(channels[:, channel], return_inverse=True)
        if np.count_nonzero(found[own]) > count:
            return None
        grouped[:, channel] = start + inverse.reshape(-1)
        start += len(own)
    return grouped.reshape(values.shape)

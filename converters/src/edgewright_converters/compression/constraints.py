"""What earlier steps made of the weights, held through any later training.

``held`` builds it again from the records of those steps and from the weights themselves: where a
pruned kernel is zero it stays zero, and weights that share a value go on sharing one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from edgewright_converters.compression.training.kernels import weights_by_name

if TYPE_CHECKING:
    import numpy as np

    from edgewright_converters.compression.training.constraint import Constraint
    from edgewright_runtimes.records import StepRecord

    Array = np.ndarray[Any, Any]

SPARSE = "sparse"  # in a step's details: share of zeros by weight name
_DIGITS = 5  # in which relative magnitudes of one group agree, after they were scaled in float32
CLUSTERED = "clustered"  # in a step's details: number of values by weight name


def held(
    model: Any, history: Sequence[StepRecord], *, free: Sequence[str] = ()
) -> tuple[tuple[Constraint, ...], tuple[str, ...]]:
    """Constraints on the weights of ``model`` after the steps of ``history``, and notes.

    ``free`` are names of weights that the caller takes care of.

    A weight is found by its layer's name. One that is no longer what its record says (equalization
    gives every channel a scale of its own) is left free, and a note says so.
    """
    known = any(record.details.get(what) for record in history for what in (SPARSE, CLUSTERED))
    weights = weights_by_name(model) if known else {}
    sparse = recorded(SPARSE, history, weights)
    clustered = recorded(CLUSTERED, history, weights)
    for name in free:
        sparse.pop(name, None)
        clustered.pop(name, None)
    notes = _lost(weights, [*sparse, *clustered])
    masked = {name: weights[name] for name in sparse if name in weights}
    grouped = {}
    for name, count in clustered.items():
        if name in weights:
            groups = find_groups(weights[name].numpy(), int(count))
            if groups is None:
                notes.append(f"{name} has more than {count:g} values: it is no longer clustered")
            else:
                grouped[name] = (weights[name], groups)
    constraints: list[Constraint] = []
    if masked:
        constraints.append(Masks([(w, w.numpy() != 0) for w in masked.values()]))
    if grouped:
        constraints.append(Clusters(list(grouped.values())))
    return tuple(constraints), tuple(notes)


def recorded(
    what: str, history: Sequence[StepRecord], weights: Mapping[str, Any]
) -> dict[str, float]:
    """What the steps noted under ``what``, the later ones' word before the earlier ones', by the
    names that the weights bear now: ``weights`` are those of the model as it is."""
    found: dict[str, float] = {}
    for record in history:
        noted: Mapping[str, float] = record.details.get(what, {})
        found |= {_now(name, weights): float(number) for name, number in noted.items()}
    return found


def _now(name: str, weights: Mapping[str, Any]) -> str:
    """What a weight is called after folding: the second half of a separable convolution that was
    split keeps the layer's name, and is a convolution."""
    layer, _, own = name.rpartition("/")
    plain = f"{layer}/kernel"
    return plain if own == "pointwise_kernel" and name not in weights and plain in weights else name


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Groups:
    """A kernel as ``scale * centroid[code]``: which centroid each element has, from 0 on.

    Arrays of the kernel's shape; without ``scale`` it is 1.
    """

    codes: Array
    scale: Array | None = None


class Clusters:
    """Weights in groups that share one value, up to a scale that is fixed for each weight.

    What is zero is in no group, and stays so. After every update a group's value is the one that
    fits its members best (least squares: without scales their mean, which of an optimizer that is
    linear in the gradient is the group's own gradient step). Nobody changes groups: to send each
    weight to the nearest after every step (straight-through) was tried, and learns worse in a few
    epochs.
    """

    def __init__(self, pairs: Sequence[tuple[Any, Groups]]) -> None:
        import numpy as np
        import tensorflow as tf

        self._weights = [weight for weight, _ in pairs]
        self._codes = [tf.constant(g.codes.reshape(-1), tf.int32) for _, g in pairs]
        self._counts = [int(g.codes.max()) + 1 for _, g in pairs]
        scales = [np.ones(g.codes.shape) if g.scale is None else g.scale for _, g in pairs]
        self._scales = [tf.constant(scale.reshape(-1), tf.float32) for scale in scales]

    def variables(self) -> Sequence[Any]:
        return ()

    def before_step(self, step: int, total: int) -> None:
        """The groups are as they were found."""

    def before_update(self) -> None:
        """Members move apart in the update, and are brought together after it."""

    def after_update(self) -> None:
        for place, weight in enumerate(self._weights):
            weight.assign(self._shared(place, weight.value))

    def settled(self, step: int) -> bool:
        return True

    def finish(self) -> None:
        self.after_update()

    def numbers(self) -> Mapping[str, float]:
        return {}

    def _shared(self, place: int, weight: Any) -> Any:
        """In the graph; zeros count for nothing and stay zero."""
        import tensorflow as tf

        codes, count = self._codes[place], self._counts[place]
        flat = tf.reshape(weight, [-1])
        scale = self._scales[place] * tf.cast(flat != 0, flat.dtype)
        fit = tf.math.unsorted_segment_sum(flat * scale, codes, count)
        size = tf.math.unsorted_segment_sum(scale * scale, codes, count)
        centroids = tf.math.divide_no_nan(fit, size)
        return tf.reshape(tf.gather(centroids, codes) * scale, tf.shape(weight))


def find_groups(values: Array, count: int) -> Groups | None:
    """The groups of a kernel that was clustered, from its values alone.

    Equal values over the kernel; or equal magnitudes beside the greatest of their output channel;
    or, where those are too many, equal values in each channel: batch norm that was folded in gave
    each its own scale. ``None`` where even a channel has more than ``count`` values besides zero.
    """
    import numpy as np

    found, codes = np.unique(values, return_inverse=True)
    codes = codes.reshape(values.shape)
    if np.count_nonzero(found) <= count:
        return Groups(codes=codes)
    scale = channel_scale(values)
    relative, magnitudes = np.unique(np.round(values / scale, _DIGITS), return_inverse=True)
    if np.count_nonzero(relative) <= count:
        return Groups(codes=magnitudes.reshape(values.shape), scale=scale)
    own = _codes_by_channel(values, count)
    return None if own is None else Groups(codes=own)


def channel_scale(values: Array) -> Array:
    """Of each weight: the greatest magnitude in its output channel, with its own sign."""
    import numpy as np

    greatest = np.abs(values).reshape(-1, values.shape[-1]).max(axis=0)
    signs = np.where(values < 0, -1, 1)
    return np.asarray(signs * np.where(greatest == 0, 1, greatest), np.float32)


def _codes_by_channel(values: Array, count: int) -> Array | None:
    import numpy as np

    channels = values.reshape(-1, values.shape[-1])
    codes = np.empty(channels.shape, np.int64)
    start = 0
    for channel in range(channels.shape[1]):
        own, inverse = np.unique(channels[:, channel], return_inverse=True)
        if np.count_nonzero(own) > count:
            return None
        codes[:, channel] = start + inverse.reshape(-1)
        start += len(own)
    return codes.reshape(values.shape)

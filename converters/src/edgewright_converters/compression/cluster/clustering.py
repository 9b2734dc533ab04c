"""Clustering while training: every weight has a value of its own behind the one it shows.

The model works with the shared values; the gradient at them moves each weight's own (the
straight-through estimator). After the update each weight goes to the group whose value is nearest
to its own, and a group's value becomes the mean of its members': one round of k-means per step.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    from edgewright_converters.compression.training.kernels import Kernel

    Array = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Grouped:
    """A kernel, its groups' values (rising), and where it may be other than zero."""

    kernel: Kernel
    centroids: Array
    kept: Array | None  # boolean, of the kernel's shape; None: everywhere


class Clustering:
    """The kernels show shared values from the beginning on."""

    def __init__(self, grouped: Sequence[Grouped]) -> None:
        import tensorflow as tf

        self._weights = [g.kernel.variable for g in grouped]
        self._own = [tf.Variable(w.value, trainable=False) for w in self._weights]
        self._centroids = [tf.Variable(g.centroids, trainable=False) for g in grouped]
        self._kept = [None if g.kept is None else tf.constant(g.kept) for g in grouped]
        self.finish()

    def variables(self) -> Sequence[Any]:
        return [*self._own, *self._centroids]

    def before_step(self, step: int, total: int) -> None:
        """The number of groups does not change."""

    def before_update(self) -> None:
        for weight, own in zip(self._weights, self._own, strict=True):
            weight.assign(own)

    def after_update(self) -> None:
        for place, own in enumerate(self._own):
            own.assign(self._weights[place].value)
            codes = self._codes(place)
            self._recentre(place, codes)
            self._show(place, codes)

    def settled(self, step: int) -> bool:
        return True

    def finish(self) -> None:
        for place in range(len(self._weights)):
            self._show(place, self._codes(place))

    def numbers(self) -> Mapping[str, float]:
        return {}

    def _codes(self, place: int) -> Any:
        """Each weight's nearest group, flat."""
        import tensorflow as tf

        centroids = self._centroids[place]
        between = (centroids[1:] + centroids[:-1]) / 2
        return tf.searchsorted(between, tf.reshape(self._own[place], [-1]))

    def _recentre(self, place: int, codes: Any) -> None:
        """Means of neighbours in a row are in a row again; an empty group stays where it was."""
        import tensorflow as tf

        own, centroids = tf.reshape(self._own[place], [-1]), self._centroids[place]
        kept = self._kept[place]
        member = tf.ones_like(own) if kept is None else tf.cast(tf.reshape(kept, [-1]), own.dtype)
        count = centroids.shape[0]
        members = tf.math.unsorted_segment_sum(member, codes, count)
        sums = tf.math.unsorted_segment_sum(own * member, codes, count)
        centroids.assign(tf.where(members > 0, sums / tf.maximum(members, 1), centroids))

    def _show(self, place: int, codes: Any) -> None:
        import tensorflow as tf

        weight, kept = self._weights[place], self._kept[place]
        shown = tf.reshape(tf.gather(self._centroids[place], codes), weight.shape)
        weight.assign(shown if kept is None else tf.where(kept, shown, tf.zeros_like(shown)))

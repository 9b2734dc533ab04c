"""Moves the logits of a classifier to where 8 bits can tell them apart, without changing it.

A softmax does not see what all logits of an item have in common. So a dense layer in front of it
may lose any part v.x + c that its classes share: softmax(Wx + b) = softmax((W - v)x + b - c). With
v and c fitted so that an item's two best logits lie around zero, the range that decides shrinks
(a hand-gesture classifier: from [-8, 74] to [-9, 6]), its int8 step with it, and fewer items end
in a tie. Found and measured in ``benchmarks/real_models.py``; the shift invariance is elementary.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from edgewright_converters.calibration import DecisiveRange

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

ROOM = 1 << 24  # values of features kept at most: 64 MB
_RIDGE = 0.1  # of each feature's mean square: chosen on three real models, six draws each
_GAIN = 0.8  # the error on unseen items has to fall below this share of what it was


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """``weights`` [features, classes] and ``bias`` [classes] of a dense layer before a softmax."""

    weights: Array
    bias: Array

    def logits(self, features: Array) -> Array:
        """[items, features] -> [items, classes]"""
        return features @ self.weights + self.bias


def recentred(head: Head, features: Array) -> Head | None:
    """The same classifier with its logits around zero, or None where that would not pay.

    ``features`` [items, features] are the layer's inputs on calibration items. Every second item
    is held out: the new head is taken only if it quantizes better on items it was not fitted to.
    """
    fitted, unseen = features[::2], features[1::2]
    if len(unseen) < 8 or head.bias.size < 3:
        return None
    trial = _shifted(head, fitted)
    if _error(trial, fitted, unseen, head) > _GAIN * _error(head, fitted, unseen, head):
        return None
    return _shifted(head, features)


def decisive_range(head: Head, features: Array) -> tuple[float, float]:
    """The range that the head's logits need in int8 (``DecisiveRange``)."""
    logits = head.logits(features)
    decisive = DecisiveRange(softmax=True)
    decisive.update(logits)
    return decisive.within(float(logits.min()), float(logits.max()))


def _shifted(head: Head, features: Array) -> Head:
    import numpy as np

    best_two = np.partition(head.logits(features), -2, axis=-1)[:, -2:].mean(axis=-1)
    design = np.concatenate([features, np.ones((len(features), 1))], axis=1).astype(np.float64)
    ridge = _RIDGE * len(features) * np.diag(np.append(np.mean(features**2, axis=0), 0.0) + 1e-12)
    shift = np.linalg.solve(design.T @ design + ridge, design.T @ best_two)
    return Head(weights=head.weights - shift[:-1, None], bias=head.bias - shift[-1])


def _error(head: Head, calibration: Array, items: Array, truth: Head) -> float:
    """Mean change of the probabilities on ``items`` where weights and logits are int8."""
    import numpy as np

    scale = np.maximum(np.abs(head.weights).max(axis=0), 1e-12) / 127
    rounded = Head(weights=np.round(head.weights / scale) * scale, bias=head.bias)
    low, high = decisive_range(head, calibration)
    step = max(high - low, 1e-12) / 255
    logits = np.round(np.clip(rounded.logits(items), low, high) / step) * step
    return float(np.abs(_softmax(logits) - _softmax(truth.logits(items))).mean())


def _softmax(logits: Array) -> Array:
    import numpy as np

    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    result: Array = powers / powers.sum(axis=-1, keepdims=True)
    return result

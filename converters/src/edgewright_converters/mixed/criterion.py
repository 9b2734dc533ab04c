"""How much worse outputs are than the float model's own, without labels.

A share of equal labels says little: a healthy int8 net changes 4 or 5 labels of a hundred, all of
items that the float model itself was of two minds about. So a changed label costs what the float
model loses by it: its probability of the label that it chose, less that of the other one. If its
probabilities are right, the mean is the accuracy lost, in points.

Outputs that are no classes have no points: their error's energy over the signal's is what counts
(the signal-to-quantization-noise ratio, in dB).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf, log10
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]
    Arrays = Mapping[str, Array]

WORST_DB = -300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Damage:
    """``points`` are the accuracy lost as the float model sees it, ``None`` without classes.

    Of several outputs each is the worst one's.
    """

    points: float | None
    sqnr_db: float


def damage(expected: Arrays, got: Arrays) -> Damage:
    """Both hold [items, ...] by output name; ``expected`` is the float model's."""
    points = [points_lost(values, got[name]) for name, values in expected.items()]
    known = [value for value in points if value is not None]
    return Damage(
        points=max(known) if known else None,
        sqnr_db=min((sqnr_db(values, got[name]) for name, values in expected.items()), default=inf),
    )


def points_lost(expected: Array, got: Array) -> float | None:
    """100 * E[p(chosen) - p(chosen by the other)], p the float model's probabilities.

    [items, classes] or [items, 1] with values in 0 to 1; ``None`` for any other output. Values
    that are no distribution are taken for logits.
    """
    import numpy as np

    if expected.dtype.kind != "f" or expected.ndim != 2 or not expected.size:
        return None
    chances = _chances(expected)
    if chances is None:
        return None
    other = got if got.shape[-1] > 1 else np.concatenate([1 - got, got], axis=-1)
    other = np.where(np.isfinite(other), other, -np.inf)
    chosen = other.argmax(axis=-1)
    kept = np.take_along_axis(chances, chosen[:, None], axis=-1)[:, 0]
    return 100 * float(np.mean(chances.max(axis=-1) - kept))


def sqnr_db(expected: Array, got: Array) -> float:
    """10 log10 of the signal's energy over the error's; infinite where they are equal."""
    import numpy as np

    signal = float(np.sum(np.square(expected, dtype=np.float64)))
    noise = float(np.sum(np.square(np.subtract(expected, got, dtype=np.float64))))
    if noise == 0:
        return inf
    if not np.isfinite(noise) or signal == 0:
        return WORST_DB
    return 10 * log10(signal / noise)


def _chances(values: Array) -> Array | None:
    """The float model's probabilities [items, classes], where the output can be read so."""
    import numpy as np

    if values.shape[-1] == 1:
        inside = values.min() >= 0 and values.max() <= 1
        return np.concatenate([1 - values, values], axis=-1) if inside else None
    if values.min() >= 0 and np.allclose(values.sum(axis=-1), 1, atol=1e-3):
        return values
    powers = np.exp(values - values.max(axis=-1, keepdims=True))
    result: Array = powers / powers.sum(axis=-1, keepdims=True)
    return result

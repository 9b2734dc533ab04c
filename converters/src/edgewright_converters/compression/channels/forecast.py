"""What a model would take at widths that were not measured, from those that were.

Time is linear in: a constant, the multiply-accumulates of the layers that share their spaces (a
convolution's time goes with what it takes times what it makes), and a correction for each width
of each space (the SIMD lanes it fills or wastes). Fitted by Bayesian linear regression: the prior
says that time goes with multiply-accumulates, and each measurement mends it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    from edgewright_converters.compression.channels.sizes import Sizes

    Array = np.ndarray[Any, np.dtype[np.float64]]

# In shares of the time at full widths; guesses that a dozen measurements outweigh.
CONSTANT, NOISE, WIDTH_SPREAD, LAYER_SPREAD = 0.1, 0.01, 0.03, 0.5


class Forecast:
    """Times are shares of the time at full widths. ``choices`` are each space's widths."""

    def __init__(self, sizes: Sizes, choices: Sequence[Sequence[int]]) -> None:
        import numpy as np

        self._sizes, self._choices = sizes, choices
        self._full = np.array([c[-1] for c in choices], np.float64)
        self._groups = self._grouped()
        shares = (1 - CONSTANT) * self._layers(self._full)
        corrections = sum(len(c) - 1 for c in choices)
        self._mean = np.concatenate([[CONSTANT], shares, np.zeros(corrections)])
        self._spread: Array = np.concatenate(
            [[CONSTANT], LAYER_SPREAD * (shares + 0.05), np.full(corrections, WIDTH_SPREAD)]
        )
        self._found = self._mean

    def learn(self, measured: Sequence[tuple[Array, float]]) -> None:
        """All that was measured: widths and times."""
        import numpy as np

        rows = np.array([self._row(widths) for widths, _ in measured])
        times = np.array([time for _, time in measured])
        left = np.concatenate([rows * self._spread / NOISE, np.eye(len(self._mean))])
        right = np.concatenate([(times - rows @ self._mean) / NOISE, np.zeros(len(self._mean))])
        solved = np.linalg.lstsq(left, right, rcond=None)[0]
        self._found = self._mean + solved * self._spread

    def __call__(self, widths: Array) -> float:
        return float(self._row(widths) @ self._found)

    def _row(self, widths: Array) -> Array:
        import numpy as np

        marks = [
            np.array([float(width == w) for w in choices[:-1]])
            for width, choices in zip(widths, self._choices, strict=True)
        ]
        full = self._layers(self._full)
        layers = np.divide(self._layers(widths), full, out=np.zeros_like(full), where=full > 0)
        return np.concatenate([[1.0], layers, *marks])

    def _layers(self, widths: Array) -> Array:
        """Of each group of layers, as a share of all at full widths."""
        import numpy as np

        macs = self._sizes.layer_macs(widths)
        whole = max(float(self._sizes.layer_macs(self._full).sum()), 1.0)
        each = np.bincount(self._groups, weights=macs, minlength=int(self._groups.max()) + 1)
        return np.asarray(each / whole, np.float64)

    def _grouped(self) -> Any:
        """Layers whose time changes with the same spaces: they can't be told apart."""
        import numpy as np

        full = self._sizes.layer_macs(self._full)
        changed = []
        for s in range(len(self._full)):
            narrower = self._full.copy()
            narrower[s] = self._choices[s][0]
            changed.append(self._sizes.layer_macs(narrower) != full)
        patterns = [tuple(row) for row in np.array(changed).reshape(len(changed), -1).T.tolist()]
        places = {pattern: place for place, pattern in enumerate(dict.fromkeys(patterns))}
        return np.array([places[pattern] for pattern in patterns], np.int64)

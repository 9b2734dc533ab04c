"""Calibration: items fed to the converters a batch at a time, and ranges no item needs.

Both int8 writers take each activation's range from its least and greatest value over the items
(MinMax). That is right but for the input of a softmax or a sigmoid: a logit of -749 is as good as
one of -20, yet spreads 256 codes over values that all become zero. A hand-gesture classifier
falls from 96.5 % to 89.4 % by that alone (benchmarks/real_models.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import inf, log
from typing import TYPE_CHECKING, Any

from edgewright_converters.errors import ConversionError

if TYPE_CHECKING:
    import numpy as np

    Arrays = Mapping[str, np.ndarray[Any, Any]]


def batches(feeds: Arrays, batch: int) -> Iterator[dict[str, np.ndarray[Any, Any]]]:
    """Views of [batch, ...] by name; a last part that does not fill a batch is left out.

    Raises ``ConversionError`` where there are fewer items than one batch.
    """
    items = min(len(values) for values in feeds.values())
    if items < batch:
        raise ConversionError(
            f"{items} calibration items do not fill one batch of {batch}",
            hint="give more with --calibrate DATA, or a smaller --batch",
        )
    for start in range(0, items - batch + 1, batch):
        yield {name: values[start : start + batch] for name, values in feeds.items()}


class DecisiveRange:
    """Gathers, over calibration items, the range of logits that decides an int8 output.

    The output has the step 1/256 (TFLite's and ONNX Runtime's softmax and sigmoid alike). Logits
    more than ``k = ln(512 n)`` below an item's best of ``n`` add up to less than half a step, so
    what lies ``k`` under the least best may saturate; the same ``k`` over the greatest second
    best leaves every winner its lead. A sigmoid is a softmax over two logits, one of them zero.
    """

    def __init__(self, *, softmax: bool) -> None:
        self.softmax = softmax
        self._least_best = inf
        self._greatest_second = -inf
        self._classes = 2

    def update(self, logits: np.ndarray[Any, Any]) -> None:
        """``logits`` [..., n]; those of a softmax have their classes on the last axis."""
        import numpy as np

        if not self.softmax or logits.shape[-1] < 2:
            return
        rows = logits.reshape(-1, logits.shape[-1])
        best_two = np.partition(rows, -2, axis=-1)[:, -2:]
        self._classes = rows.shape[-1]
        self._least_best = min(self._least_best, float(best_two[:, 1].min()))
        self._greatest_second = max(self._greatest_second, float(best_two[:, 0].max()))

    def within(self, least: float, greatest: float) -> tuple[float, float]:
        """The part of the observed range that matters; zero is always inside."""
        k = log(512 * self._classes)
        if not self.softmax:
            return max(least, -k), min(greatest, k)
        low = max(least, min(self._least_best - k, 0.0))
        high = min(greatest, max(self._greatest_second + k, self._least_best, 0.0))
        return (low, high) if low < high else (least, greatest)

"""What the file gives becomes what an app wants: real values, and the batch put together again.

Quantized outputs become float32.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from edgewright_runtimes.affine import dequantizer

if TYPE_CHECKING:
    from edgewright_runtimes.records import TensorSpec
    from edgewright_runtimes.runtime import Array


class OutputReader:
    """One output's way out. ``led``: its first axis is the batch's."""

    def __init__(self, spec: TensorSpec, batch: int | None) -> None:
        self.name = spec.name
        self.led = bool(spec.shape) and spec.shape[0] in (None, batch or 1)
        self._decode = dequantizer(spec)

    def finish(self, value: Array, single: bool) -> Array:
        """Real values; without the batch axis where one item was asked."""
        if self._decode is not None:
            value = self._decode(value)
        return value[0, ...] if single and self.led else value

    def follows(self, array: Array, count: int) -> bool:
        """Whether a run over ``count`` items gave ``count`` results."""
        return self.led and array.shape[0] == count

    def join(self, parts: Sequence[Array]) -> Array:
        """The results of several runs in one array, items first."""
        return np.concatenate(parts) if self.led else np.stack(parts)

"""What the file gives becomes what an app wants: real values, and the batch put together again.

Quantized outputs become float32: real = scale * (q - zero_point).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from edgewright_runtimes.records import TensorSpec
    from edgewright_runtimes.runtime import Array


class OutputReader:
    """One output's way out. ``led``: its first axis is the batch's."""

    def __init__(self, spec: TensorSpec, batch: int | None) -> None:
        self.name = spec.name
        self.led = bool(spec.shape) and spec.shape[0] in (None, batch or 1)
        self._decode = _decoder(spec)

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


def _decoder(spec: TensorSpec) -> Callable[[Array], Array] | None:
    dtype = np.dtype(object if spec.dtype == "string" else spec.dtype)
    if not spec.scale or dtype.kind not in "iu":
        return None
    scale, zero_point = np.float32(spec.scale), spec.zero_point
    if dtype.itemsize > 1:
        offset = np.float32(zero_point)
        return lambda q: (q.astype(np.float32) - offset) * scale
    values = np.arange(256, dtype=np.uint8).view(dtype).astype(np.float32)
    table = (values - np.float32(zero_point)) * scale  # all 256 answers, each computed once
    return lambda q: table.take(q.view(np.uint8))

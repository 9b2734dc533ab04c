"""Some items of an array that lies on disk, as another array, with little of either in memory."""

from __future__ import annotations

import tempfile
from typing import Any

import numpy as np

from edgewright.atomic import WriteFailed

Array = np.ndarray[Any, Any]
IN_MEMORY_BYTES = 64 << 20
PIECE_BYTES = 4 << 20


def draw(values: Array, items: Array) -> Array:
    """``values[items]`` [items, ...]; ``values`` itself where ``items`` counts all of it.

    What is larger than ``IN_MEMORY_BYTES`` is gathered in a scratch file and mapped read-only; the
    file goes when the array does. Raises ``WriteFailed`` where the disk is full.
    """
    if len(items) == len(values) and np.array_equal(items, np.arange(len(values))):
        return values
    row_bytes = values[:1].nbytes
    if len(items) * row_bytes <= IN_MEMORY_BYTES:
        return np.asarray(values[items])
    count = max(1, PIECE_BYTES // row_bytes)
    try:
        with tempfile.TemporaryFile() as scratch:
            for start in range(0, len(items), count):
                scratch.write(np.ascontiguousarray(values[items[start : start + count]]).data)
            scratch.flush()
            shape = (len(items), *values.shape[1:])
            return np.memmap(scratch, values.dtype, "r", shape=shape)
    except OSError as e:
        raise WriteFailed(f"cannot draw items to {tempfile.gettempdir()}: {e.strerror or e}") from e

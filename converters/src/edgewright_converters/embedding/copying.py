"""Copy a part of a file, whatever its size, through one small block."""

from __future__ import annotations

from typing import BinaryIO

_BLOCK_BYTES = 1 << 20


def copy_span(source: BinaryIO, start: int, end: int, out: BinaryIO) -> None:
    """Write bytes ``start`` to ``end`` of ``source`` to ``out``."""
    source.seek(start)
    left = end - start
    while left > 0:
        block = source.read(min(left, _BLOCK_BYTES))
        if not block:
            raise OSError(f"the file ends {left} bytes early")
        out.write(block)
        left -= len(block)

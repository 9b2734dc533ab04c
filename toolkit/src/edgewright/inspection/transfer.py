"""What a file costs on its way to a browser."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from pathlib import Path

_BLOCK_BYTES = 1 << 20
_BROTLI_QUALITY = 5  # what servers take; 11 wins 2 to 7 % more and takes 20 s per MB


def zipped_size(files: Iterable[Path]) -> int:
    """Bytes as a zip holds them, or gzip sends them: deflated at zlib's level 6."""
    return sum(map(_zipped, files))


def brotli_size(files: Iterable[Path]) -> int:
    """Bytes as a browser may get them (RFC 7932)."""
    return sum(map(_brotli, files))


def _zipped(file: Path) -> int:
    deflate = zlib.compressobj(6, zlib.DEFLATED, -zlib.MAX_WBITS)
    zipped = 0
    with file.open("rb") as stream:
        while block := stream.read(_BLOCK_BYTES):
            zipped += len(deflate.compress(block))
    return zipped + len(deflate.flush())


def _brotli(file: Path) -> int:
    import brotli  # type: ignore[import-untyped]

    packer = brotli.Compressor(quality=_BROTLI_QUALITY)
    packed = 0
    with file.open("rb") as stream:
        while block := stream.read(_BLOCK_BYTES):
            packed += len(packer.process(block))
    return packed + len(packer.finish())

"""Files that jobs read, under names made of their content: each is sent once.

A name is there only when its file is whole, for it was renamed to it. What was not asked for the
longest is removed when the store grows over its size.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

MOST_BYTES = 1 << 30


def missing(store: Path, needs: Mapping[str, int]) -> tuple[str, ...]:
    """The names of ``needs`` (with their sizes) that are not there; the others count as used."""
    absent = []
    for name, size in needs.items():
        path = store / name
        try:
            if path.stat().st_size != size:
                raise FileNotFoundError  # a disk that lost its end
            os.utime(path)
        except OSError:
            absent.append(name)
    return tuple(absent)


def make_room(store: Path, needs: Mapping[str, int], *, most_bytes: int = MOST_BYTES) -> None:
    """Remove what was not used for the longest, but none of ``needs``, for all of ``needs``."""
    store.mkdir(parents=True, exist_ok=True, mode=0o700)
    others = []
    for path in store.iterdir():
        with suppress(OSError):
            status = path.stat()
            if path.name not in needs:
                others.append((status.st_mtime, status.st_size, path))
    total = sum(size for _, size, _ in others) + sum(needs.values())
    for _, size, path in sorted(others):
        if total <= most_bytes:
            return
        path.unlink(missing_ok=True)
        total -= size

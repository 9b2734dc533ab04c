"""Files that jobs read, under names made of their content: each is sent once.

A name is there only when its file is whole, for it was renamed to it. What was not asked for the
longest is removed when the store grows over its size, or the disk has no room for what comes.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

MOST_BYTES = 1 << 30
SPARE_BYTES = 64 << 20  # for what the jobs write


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


def make_room(
    store: Path,
    needs: Mapping[str, int],
    *,
    most_bytes: int = MOST_BYTES,
    free_bytes: int | None = None,
) -> None:
    """Remove what was not used for the longest, but none of ``needs``, for all of ``needs``.
    ``free_bytes``: what the disk has left, where it is not to be asked."""
    store.mkdir(parents=True, exist_ok=True, mode=0o700)
    free = _free(store) if free_bytes is None else free_bytes
    free -= SPARE_BYTES + sum(needs[name] for name in missing(store, needs))
    others = []
    for path in store.iterdir():
        with suppress(OSError):
            status = path.stat()
            if path.name not in needs:
                others.append((status.st_mtime, status.st_size, path))
    total = sum(size for _, size, _ in others) + sum(needs.values())
    for _, size, path in sorted(others):
        if total <= most_bytes and free >= 0:
            return
        path.unlink(missing_ok=True)
        total -= size
        free += size


def _free(folder: Path) -> int:
    disk = os.statvfs(folder)
    return disk.f_bavail * disk.f_frsize

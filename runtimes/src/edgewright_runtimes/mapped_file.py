"""A model file as read-only bytes that are paged in only where they are looked at."""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edgewright_runtimes.errors import BadInput

Bytes = bytes | mmap.mmap


@contextmanager
def mapped(path: Path) -> Iterator[mmap.mmap]:
    """Map ``path`` for reading. Raises ``BadInput`` where it cannot be read or is empty."""
    try:
        with path.open("rb") as file:
            data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except ValueError:
        raise BadInput(f"{path}: an empty file") from None
    except OSError as e:
        raise BadInput(f"{path}: {e.strerror or e}") from e
    with data:
        yield data

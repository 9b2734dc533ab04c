"""Files that are whole or not there: written under a temporary name, then renamed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from edgewright_runtimes.errors import EdgewrightError


class WriteFailed(EdgewrightError):
    """The disk is full, the folder is not writable, or the like; nothing was half-written."""


@contextmanager
def atomic_file(path: Path) -> Iterator[IO[bytes]]:
    """Open ``path`` for writing; it appears when the block ends well, and not otherwise."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
    except OSError as e:
        raise WriteFailed(f"cannot write {path}: {e.strerror or e}") from e
    finally:
        with suppress(OSError):  # the error that is under way says more
            temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    with atomic_file(path) as stream:
        stream.write(text.encode())

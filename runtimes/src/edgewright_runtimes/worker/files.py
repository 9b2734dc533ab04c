"""Files that are either whole or not there: written under a temporary name, then renamed."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

import numpy as np

from edgewright_runtimes.errors import EdgewrightError
from edgewright_runtimes.workload import Arrays


def save_samples(path: Path, samples: np.ndarray[Any, np.dtype[np.int64]]) -> None:
    _write(path, lambda file: np.save(file, samples, allow_pickle=False))


def save_arrays(path: Path, arrays: Arrays) -> None:
    """One ``.npz`` member per name. Raises ``EdgewrightError`` for what only a pickle could hold.

    NumPy before 2.1 takes ``allow_pickle`` here for the name of one more array.
    """
    for name, values in arrays.items():
        if values.dtype.hasobject:
            raise EdgewrightError(f"output {name!r} holds objects and no numbers")
    _write(path, lambda file: np.savez(file, **arrays))


def _write(path: Path, fill: Callable[[IO[bytes]], None]) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            fill(file)
        temporary.replace(path)
    except OSError as e:
        raise EdgewrightError(
            f"cannot write {path}: {e.strerror or e}", hint="is the disk full, or read-only?"
        ) from e
    finally:
        with suppress(OSError):  # the error that is under way says more
            temporary.unlink(missing_ok=True)

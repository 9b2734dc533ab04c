"""Files that are either whole or not there: written under a temporary name, then renamed."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy

from edgewright_runtimes.errors import EdgewrightError
from edgewright_runtimes.workload import Arrays


def save_samples(path: Path, samples: np.ndarray[Any, np.dtype[np.int64]]) -> None:
    _write(path, lambda file: np.save(file, samples, allow_pickle=False))


def save_arrays(path: Path, arrays: Arrays) -> None:
    """One ``.npz`` member per name. Raises ``ValueError`` for what only a pickle could hold.

    Not by ``numpy.savez``: NumPy before 2.1 takes its ``allow_pickle`` for one more array, and none
    of them an array named ``file``.
    """

    def fill(file: IO[bytes]) -> None:
        with zipfile.ZipFile(file, "w") as archive:
            for name, values in arrays.items():
                with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                    npy.write_array(member, values, allow_pickle=False)

    _write(path, fill)


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

"""What a file that comes back may be: the samples of a round, the outputs of some items.

Read from the headers alone, without unpacking and without a pickle: a small file that would
unpack to a large one is refused.
"""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy

from edgewright_runtimes.errors import BadInput

Shape = tuple[int, ...]
MAX_MEMBERS = 1_000


def check_samples(path: Path, *, most: int) -> None:
    """int64 [samples], none negative, at most ``most``. Raises ``BadInput``."""
    shape, dtype = _single(path)
    if len(shape) != 1 or dtype != np.dtype("<i8") or shape[0] > most:
        raise BadInput(
            f"the samples are {dtype} {list(shape)}", hint=f"int64 [up to {most}] is taken"
        )
    samples = np.load(path, allow_pickle=False)
    if len(samples) and int(samples.min()) < 0:
        raise BadInput(f"a sample of {int(samples.min())} ns")


def check_outputs(path: Path, *, items: int | None) -> None:
    """An ``.npz`` of numbers [items, ...], not compressed. Raises ``BadInput``."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            if not 1 <= len(members) <= MAX_MEMBERS:
                raise BadInput(f"the outputs are {len(members)} arrays")
            if len({m.filename for m in members}) != len(members):
                raise BadInput("two outputs have one name")
            for member in members:
                _check_member(archive, member, items)
    except BadInput:
        raise
    except Exception as e:  # NumPy parses a header as Python: any error may come of it
        raise BadInput(f"the outputs are not an .npz that can be read ({e})") from None


def _check_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, items: int | None) -> None:
    name = member.filename
    if member.compress_type != zipfile.ZIP_STORED or not name.endswith(".npy"):
        raise BadInput(f"output {name!r} is not an .npy that is stored as it is")
    with archive.open(member) as stream:
        shape, dtype = _header(stream)
        start = stream.tell()
    count = _count(shape)
    if dtype.kind not in "fiub" or dtype.itemsize > 8:
        raise BadInput(f"output {name!r} is {dtype}", hint="numbers are taken")
    if count * dtype.itemsize + start != member.file_size:
        raise BadInput(f"output {name!r} of shape {list(shape)} has {member.file_size} bytes")
    if items is not None and (not shape or shape[0] != items):
        raise BadInput(f"output {name!r} has shape {list(shape)}", hint=f"{items} items were sent")


def items_of(path: Path) -> int | None:
    """How many items an ``.npz`` of inputs holds; None where it can't be told."""
    try:
        with zipfile.ZipFile(path) as archive, archive.open(archive.infolist()[0]) as stream:
            shape, _ = _header(stream)
    except (OSError, ValueError, KeyError, IndexError, zipfile.BadZipFile, BadInput):
        return None
    return shape[0] if shape else None


def steady_is_measured(path: Path, warmup: int) -> bool:
    """Whether every sample behind the warm-up took time at all: a logarithm is taken of them."""
    steady: Any = np.load(path, allow_pickle=False)[warmup:]
    return not len(steady) or int(steady.min()) > 0


def _single(path: Path) -> tuple[Shape, np.dtype[Any]]:
    try:
        with path.open("rb") as stream:
            shape, dtype = _header(stream)
            size = stream.tell() + _count(shape) * dtype.itemsize
    except BadInput:
        raise
    except Exception as e:  # as above
        raise BadInput(f"the samples are not an .npy that can be read ({e})") from None
    if size != path.stat().st_size:
        raise BadInput(f"samples of shape {list(shape)} have {path.stat().st_size} bytes")
    return shape, dtype


def _header(stream: IO[bytes]) -> tuple[Shape, np.dtype[Any]]:
    version = npy.read_magic(stream)
    if version not in ((1, 0), (2, 0)):
        raise BadInput(f"an .npy of version {version}")
    read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, fortran, dtype = read(stream)
    if (fortran and len(shape) > 1) or dtype.hasobject or any(n < 0 for n in shape):
        raise BadInput(f"an .npy of {dtype} {list(shape)}" + " in Fortran's order" * fortran)
    return shape, dtype


def _count(shape: Shape) -> int:
    count = 1
    for n in shape:
        count *= n  # of Python's integers: it can't overflow
    return count

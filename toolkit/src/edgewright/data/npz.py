"""Data from an ``.npz``: ``x`` and ``y``, streamed out of the archive row by row.

``y`` are the labels, ``classes`` or ``class_names`` the names of the classes; every other member
is an input. A member is never loaded whole: its header is read, then as many rows as are wanted.
"""

from __future__ import annotations

import hashlib
import math
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy

from edgewright.data.dataset import Array, DataSet, check_labels, check_numbers
from edgewright_runtimes.errors import BadInput

BLOCK_BYTES = 4 << 20
_LOCAL_HEADER_BYTES, _NAME_LENGTH_AT = 30, 26  # of a zip's entry (PKWARE APPNOTE 4.3.7)
CLASS_NAMES = ("classes", "class_names")
# RuntimeError: encrypted, or a compression that zipfile does not know
READ_ERRORS = (zipfile.BadZipFile, zlib.error, OSError, EOFError, RuntimeError)


@dataclass(frozen=True, slots=True)
class Member:
    """One array of the archive: where its rows begin and how long one is."""

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    start: int

    @property
    def row_bytes(self) -> int:
        return math.prod(self.shape[1:]) * self.dtype.itemsize


class NpzData(DataSet):
    def __init__(self, path: Path) -> None:
        self.name = str(path)
        self._path = path
        try:
            with zipfile.ZipFile(path) as archive:
                members = [self._member(archive, n) for n in archive.namelist()]
                by_name = {m.name: m for m in members}
                self.class_names = self._read_class_names(archive, by_name)
                labels = by_name.pop("y", None)
                self._inputs = self._check_inputs(by_name)
                self.items = next(iter(self._inputs.values())).shape[0]
                self.y = None
                if labels is not None:
                    y = self._load(archive, labels)
                    self.y = check_labels(f"{path}: y", y, self.items)
        except READ_ERRORS as e:
            raise BadInput(f"{path}: not an .npz that can be read ({e})") from e
        self.shapes = {name: m.shape[1:] for name, m in self._inputs.items()}

    @cached_property
    def sha256(self) -> str:
        with self._path.open("rb") as file:
            return file_sha256(file)

    def _stream(self, size: int, wanted: Array) -> Iterator[Mapping[str, Array]]:
        try:
            with zipfile.ZipFile(self._path) as archive:
                rows = [self._rows(archive, m, size, wanted) for m in self._inputs.values()]
                for arrays in zip(*rows, strict=True):
                    yield dict(zip(self._inputs, arrays, strict=True))
        except READ_ERRORS as e:
            raise BadInput(f"{self._path}: not an .npz that can be read ({e})") from e

    def mapped(self, name: str) -> Array:
        """One input, whole and read-only, in place: pages are read as they are asked for.

        Raises ``BadInput`` where the archive is compressed or damaged.
        """
        member = self._inputs[name]
        try:
            with zipfile.ZipFile(self._path) as archive, self._path.open("rb") as file:
                info = archive.getinfo(f"{name}.npy")
                if info.compress_type != zipfile.ZIP_STORED or info.flag_bits & 1:
                    raise BadInput(f"{self._path}: {name} is compressed, it can't be read in place")
                file.seek(info.header_offset + _NAME_LENGTH_AT)
                lengths = file.read(4)  # of the name and of the extra field before the data
                before = _LOCAL_HEADER_BYTES + sum(struct.unpack("<2H", lengths))
            start = info.header_offset + before + member.start
            return np.memmap(self._path, member.dtype, "r", start, member.shape)
        except (*READ_ERRORS, struct.error, ValueError) as e:
            raise BadInput(f"{self._path}: not an .npz that can be read ({e})") from e

    def _rows(
        self, archive: zipfile.ZipFile, member: Member, size: int, wanted: Array
    ) -> Iterator[Array]:
        """``size`` wanted rows at a time, by one pass over the member in blocks."""
        block = max(1, BLOCK_BYTES // max(1, member.row_bytes))
        kept: list[Array] = []
        have = 0
        with archive.open(f"{member.name}.npy") as file:
            file.read(member.start)
            for first in range(0, int(wanted[-1]) + 1 if len(wanted) else 0, block):
                count = min(block, member.shape[0] - first)
                low, high = np.searchsorted(wanted, [first, first + count])
                data = file.read(count * member.row_bytes)
                if low == high:
                    continue
                rows = np.frombuffer(data, member.dtype).reshape(count, *member.shape[1:])
                kept.append(rows[wanted[low:high] - first])
                have += int(high - low)
                if have >= size:
                    ready = np.concatenate(kept)
                    whole = have - have % size
                    for start in range(0, whole, size):
                        yield ready[start : start + size]
                    kept, have = [ready[whole:]], have - whole
        if have:
            yield np.concatenate(kept)

    def _member(self, archive: zipfile.ZipFile, entry: str) -> Member:
        name = entry.removesuffix(".npy")
        with archive.open(entry) as file:
            try:
                version = npy.read_magic(file)
                read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
                shape, fortran, dtype = read(file)
            except ValueError as e:
                raise BadInput(f"{self.name}: {name} is not a numpy array ({e})") from e
            start = file.tell()
        if fortran and len(shape) > 1:
            raise BadInput(
                f"{self.name}: {name} is stored column by column",
                hint="save np.ascontiguousarray(...) of it",
            )
        member = Member(name, tuple(shape), dtype, start)
        if dtype.hasobject:
            check_numbers(f"{self.name}: {name}", dtype)
        if archive.getinfo(entry).file_size - start != math.prod(shape) * dtype.itemsize:
            raise BadInput(f"{self.name}: {name} is shorter or longer than its shape {shape} says")
        return member

    def _check_inputs(self, by_name: Mapping[str, Member]) -> dict[str, Member]:
        inputs = {n: m for n, m in by_name.items() if n not in CLASS_NAMES}
        if not inputs:
            raise BadInput(f"{self.name}: no input array", hint="save it as np.savez(file, x=, y=)")
        for name, member in inputs.items():
            check_numbers(f"{self.name}: {name}", member.dtype)
            if not member.shape or 0 in member.shape:
                raise BadInput(f"{self.name}: {name} is empty, its shape is {list(member.shape)}")
        lengths = {n: m.shape[0] for n, m in inputs.items()}
        if len(set(lengths.values())) > 1:
            said = ", ".join(f"{n} {k}" for n, k in lengths.items())
            raise BadInput(f"{self.name}: the inputs differ in their number of items ({said})")
        return inputs

    def _read_class_names(
        self, archive: zipfile.ZipFile, by_name: Mapping[str, Member]
    ) -> tuple[str, ...]:
        for name in CLASS_NAMES:
            if name in by_name and by_name[name].dtype.kind == "U":
                return tuple(str(v) for v in self._load(archive, by_name[name]).ravel())
        return ()

    def _load(self, archive: zipfile.ZipFile, member: Member) -> Array:
        size = member.row_bytes * (member.shape[0] if member.shape else 1)
        with archive.open(f"{member.name}.npy") as file:
            file.read(member.start)
            data = file.read(size)
        return np.frombuffer(data, member.dtype).reshape(member.shape)


def file_sha256(file: IO[bytes]) -> str:
    digest = hashlib.sha256()
    while block := file.read(BLOCK_BYTES):
        digest.update(block)
    return digest.hexdigest()

"""A bounds-checked reader of FlatBuffers, for files that nobody vouches for.

It reads tables, vectors, strings and scalars by field number, as the format's description has
them (flatbuffers.dev/internals), and knows nothing of any schema. Every position is checked
against the file. The elements that it hands out are counted against the size of the file, so
that a small file whose tables overlap cannot ask for endless work.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from edgewright_runtimes.errors import BadInput
from edgewright_runtimes.mapped_file import Bytes

_U16 = struct.Struct("<H")
_U32 = struct.Struct("<I")
_I32 = struct.Struct("<i")
_SCALARS = {kind: struct.Struct(f"<{kind}") for kind in "bBhHiIqQfd"}


class Flatbuffer:
    """The bytes of one file, and how much more of them may be handed out."""

    def __init__(self, data: Bytes, *, where: str) -> None:
        self.data = data
        self.size = len(data)
        self.where = where
        self._left = self.size + 4096

    def corrupt(self, what: str) -> BadInput:
        return BadInput(f"{self.where}: truncated or corrupt ({what})")

    def check(self, position: int, length: int) -> None:
        if position < 0 or length < 0 or position + length > self.size:
            raise self.corrupt(f"byte {position + length} of {self.size}")

    def spend(self, elements: int) -> None:
        self._left -= elements
        if self._left < 0:
            raise self.corrupt("its tables overlap")

    def scalar(self, kind: struct.Struct, position: int) -> int:
        self.check(position, kind.size)
        value: int = kind.unpack_from(self.data, position)[0]
        return value

    def follow(self, position: int) -> int:
        """The place that the offset stored at ``position`` points to."""
        return position + self.scalar(_U32, position)

    def root(self) -> Table:
        return Table(self, self.follow(0))


class Table:
    """One table; fields are numbered as in the schema, and absent ones give their default."""

    __slots__ = ("_file", "_vtable", "_vtable_size", "position")

    def __init__(self, file: Flatbuffer, position: int) -> None:
        file.spend(1)
        self._file = file
        self.position = position
        self._vtable = position - file.scalar(_I32, position)
        self._vtable_size = file.scalar(_U16, self._vtable)

    def place(self, field: int) -> int:
        """Where the field is stored; 0 where it is absent."""
        entry = 4 + 2 * field
        if entry + 2 > self._vtable_size:
            return 0
        offset = self._file.scalar(_U16, self._vtable + entry)
        return self.position + offset if offset else 0

    def target(self, field: int) -> int:
        """What an offset field points to; 0 where it is absent."""
        place = self.place(field)
        return self._file.follow(place) if place else 0

    def integer(self, field: int, kind: str = "i", default: int = 0) -> int:
        place = self.place(field)
        return self._file.scalar(_SCALARS[kind], place) if place else default

    def table(self, field: int) -> Table | None:
        target = self.target(field)
        return Table(self._file, target) if target else None

    def tables(self, field: int) -> Iterator[Table]:
        start, count = self._vector(field, 4)
        for index in range(count):
            yield Table(self._file, self._file.follow(start + 4 * index))

    def element(self, field: int, index: int) -> Table:
        """One table of a vector of tables."""
        target = self.target(field)
        count = self._file.scalar(_U32, target) if target else 0
        if not 0 <= index < count:
            raise self._file.corrupt(f"element {index} of {count}")
        return Table(self._file, self._file.follow(target + 4 + 4 * index))

    def length(self, field: int) -> int:
        """The number of elements of a vector field, unread."""
        target = self.target(field)
        return self._file.scalar(_U32, target) if target else 0

    def blob(self, field: int, *, limit: int) -> bytes:
        """A vector of bytes, at most ``limit`` of them."""
        start, count = self._vector(field, 1, limit=limit)
        return self._file.data[start : start + count]

    def text(self, field: int, *, limit: int = 1 << 16) -> str:
        return self.blob(field, limit=limit).decode("utf-8", "replace")

    def numbers(self, field: int, kind: str) -> tuple[int, ...]:
        """A vector of integers; ``kind`` is a letter of ``struct``."""
        size = _SCALARS[kind].size
        start, count = self._vector(field, size)
        return struct.unpack_from(f"<{count}{kind}", self._file.data, start)

    def reals(self, field: int) -> tuple[float, ...]:
        """A vector of float32."""
        start, count = self._vector(field, 4)
        return struct.unpack_from(f"<{count}f", self._file.data, start)

    def _vector(self, field: int, size: int, *, limit: int | None = None) -> tuple[int, int]:
        target = self.target(field)
        if not target:
            return 0, 0
        count = self._file.scalar(_U32, target)
        if limit is not None and count > limit:
            raise self._file.corrupt(f"{count} bytes where at most {limit} belong")
        self._file.check(target + 4, count * size)
        self._file.spend(count)
        return target + 4, count

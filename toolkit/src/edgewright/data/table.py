"""Data from a CSV: one item a line, one column the label, the others one flat input ``x``.

The label is the first column, unless the header names another one ``label``, ``y`` or
``target``. The separator is a comma, or else a semicolon or a tab. One pass when opened notes
where each line begins and keeps the labels; lines are parsed when they are wanted.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from edgewright.data.dataset import Array, DataSet, check_finite
from edgewright_runtimes.errors import BadInput

LABEL_NAMES = ("label", "y", "target")


class TableData(DataSet):
    def __init__(self, path: Path) -> None:
        self.name = str(path)
        self._path = path
        self._label = 0
        self._columns = 0
        self._delimiter = ","
        starts, labels, self._sha256 = self._index()
        if not labels:
            raise BadInput(f"{path} is empty: no line of numbers")
        self.items = len(labels)
        self._starts = np.asarray(starts, dtype=np.int64)
        y = np.asarray(labels, dtype=np.float64)
        check_finite(f"{path}: label", y, np.arange(self.items))
        self.y = y.astype(np.int64 if np.array_equal(y, np.floor(y)) else np.float32)
        self.shapes = {"x": (self._columns - 1,)}

    @property
    def sha256(self) -> str:
        return self._sha256

    def _index(self) -> tuple[list[int], list[float], str]:
        starts, labels, digest, offset = [], [], hashlib.sha256(), 0
        with self._path.open("rb") as file:
            for number, line in enumerate(file, 1):
                digest.update(line)
                if not self._columns:
                    self._read_first(line)
                if line.strip() and not (number == 1 and self._header):
                    labels.append(self._parse(line, number)[self._label])
                    starts.append(offset)
                offset += len(line)
        return starts, labels, digest.hexdigest()

    def _read_first(self, line: bytes) -> None:
        """The separator, the number of columns, and whether the line is a header."""
        text = self._text(line, 1)
        self._delimiter = next((d for d in ",;\t" if d in text), ",")
        cells = self._cells(text, 1)
        self._columns = len(cells)
        if self._columns < 2:
            raise BadInput(f"{self.name} has one column; a label and at least one more are needed")
        self._header = any(_number(cell) is None for cell in cells)
        names = [cell.strip().lower() for cell in cells]
        self._label = next((names.index(n) for n in LABEL_NAMES if n in names), 0)

    _header = False

    def _stream(self, size: int, wanted: Array) -> Iterator[Mapping[str, Array]]:
        with self._path.open("rb") as file:
            for first in range(0, len(wanted), size):
                rows = []
                for item in wanted[first : first + size]:
                    file.seek(int(self._starts[item]))
                    row = self._parse(file.readline(), int(item) + 1 + self._header)
                    rows.append(row[: self._label] + row[self._label + 1 :])
                yield {"x": np.asarray(rows, dtype=np.float32)}

    def _parse(self, line: bytes, number: int) -> list[float]:
        cells = self._cells(self._text(line, number), number)
        if len(cells) != self._columns:
            raise BadInput(
                f"{self.name}, line {number}: {len(cells)} columns, the first line has "
                f"{self._columns}"
            )
        row = [_number(cell) for cell in cells]
        for cell, value in zip(cells, row, strict=True):
            if value is None:
                raise BadInput(f"{self.name}, line {number}: {cell[:40]!r} is not a number")
        return [value for value in row if value is not None]

    def _cells(self, text: str, number: int) -> list[str]:
        try:
            return next(csv.reader([text], delimiter=self._delimiter))
        except (csv.Error, StopIteration) as e:
            raise BadInput(f"{self.name}, line {number}: not a line of a CSV ({e})") from e

    def _text(self, line: bytes, number: int) -> str:
        try:
            return line.decode("utf-8-sig").strip()
        except UnicodeDecodeError as e:
            raise BadInput(f"{self.name}, line {number}: not text in UTF-8") from e


def _number(cell: str) -> float | None:
    try:
        return float(cell)
    except ValueError:
        return None

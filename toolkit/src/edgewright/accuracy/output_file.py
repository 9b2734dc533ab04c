"""Outputs on disk: one ``.npz`` with [items, ...] per output name (``output/NAME``), written and
read in pieces, so that a hundred thousand items need no more memory than one piece.

Whole numbers (ids of classes, of tokens) keep their dtype, for float32 holds them to 2**24 only;
everything else is float32.
"""

from __future__ import annotations

import math
import shutil
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy

from edgewright.atomic import WriteFailed, atomic_file
from edgewright.data.npz import NpzData
from edgewright_runtimes.errors import ArtifactError

Array = np.ndarray[Any, Any]
PREFIX = "output/"


class OutputWriter:
    """Append pieces, then ``finish``: the file appears whole. Scratch files lie in ``work``."""

    def __init__(self, work: Path) -> None:
        self._work = work
        self._files: dict[str, IO[bytes]] = {}
        self._shapes: dict[str, tuple[int, ...]] = {}
        self._dtypes: dict[str, np.dtype[Any]] = {}
        self.items = 0

    def append(self, outputs: Mapping[str, Array]) -> None:
        """One piece: [items, ...] by name. Raises ``ArtifactError`` on NaN or infinity."""
        if not self._files:
            for place, name in enumerate(outputs):
                # open until finish: every piece is appended
                self._files[name] = (self._work / f"outputs-{id(self)}-{place}").open("w+b")
                self._shapes[name] = outputs[name].shape[1:]
                self._dtypes[name] = _stored(outputs[name].dtype)
        for name, values in outputs.items():
            self._check(name, values)
            try:
                self._files[name].write(values.astype(self._dtypes[name], copy=False).tobytes())
                self._files[name].flush()
            except OSError as e:
                raise WriteFailed(f"cannot write {self._work}: {e.strerror or e}") from e
        self.items += len(next(iter(outputs.values())))

    def finish(self, path: Path) -> None:
        with (
            atomic_file(path) as stream,
            zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive,
        ):
            for name, file in self._files.items():
                header = {
                    "descr": self._dtypes[name].str,
                    "fortran_order": False,
                    "shape": (self.items, *self._shapes[name]),
                }
                with archive.open(f"{PREFIX}{name}.npy", "w", force_zip64=True) as member:
                    npy.write_array_header_1_0(member, header)
                    file.seek(0)
                    shutil.copyfileobj(file, member, 1 << 20)

    def close(self) -> None:
        for file in self._files.values():
            file.close()
            Path(file.name).unlink(missing_ok=True)

    def _check(self, name: str, values: Array) -> None:
        if values.shape[1:] != self._shapes.get(name):
            raise ArtifactError(
                f"output {name!r} changed its shape from {list(self._shapes.get(name, ()))} to "
                f"{list(values.shape[1:])} between two batches",
                hint="items of one size are needed",
            )
        finite = np.isfinite(values).reshape(len(values), -1).all(axis=1)
        if not finite.all():
            raise ArtifactError(
                f"output {name!r} is NaN or infinite from item {self.items + int(finite.argmin())}"
            )


class OutputReader:
    """``shapes``: of one item, by output name, in the order they were written."""

    def __init__(self, path: Path) -> None:
        self._data = NpzData(path)
        self.items = self._data.items
        self.shapes = {n.removeprefix(PREFIX): shape for n, shape in self._data.shapes.items()}

    def pieces(self, size: int) -> Iterator[Mapping[str, Array]]:
        for batch in self._data.batches(size):
            yield {name.removeprefix(PREFIX): values for name, values in batch.x.items()}

    def mapped(self, name: str) -> Array:
        """One output of all items, read-only and still on disk. Raises ``BadInput``."""
        return self._data.mapped(PREFIX + name)


def _stored(dtype: np.dtype[Any]) -> np.dtype[Any]:
    return dtype.newbyteorder("<") if dtype.kind in "iu" else np.dtype("<f4")


Shapes = Mapping[str, tuple[int, ...]]


def pair_names(source: Shapes, artifact: Shapes) -> dict[str, str]:
    """The artifact's name of each of the source's outputs: the same one, else in order.

    Raises ``ArtifactError`` where they don't pair, or a pair has not as many values an item.
    """
    names = _pairs(source, artifact)
    for name, theirs in names.items():
        if math.prod(source[name]) != math.prod(artifact[theirs]):
            raise ArtifactError(
                f"output {theirs!r} of an item has shape {list(artifact[theirs])}, "
                f"the source's has {list(source[name])}"
            )
    return names


def _pairs(source: Shapes, artifact: Shapes) -> dict[str, str]:
    if set(source) <= set(artifact):
        return {name: name for name in source}
    if len(source) != len(artifact):
        raise ArtifactError(
            f"the source has {len(source)} outputs, the artifact {len(artifact)}: "
            f"{', '.join(source)}; {', '.join(artifact)}"
        )
    return dict(zip(source, artifact, strict=True))

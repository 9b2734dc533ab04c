"""The items that are learnt from and those held back, as memory-mapped arrays in a folder."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

import numpy as np

from edgewright.data.dataset import Array, DataSet
from edgewright.data.feeds import model_feeds
from edgewright_runtimes.errors import BadInput

if TYPE_CHECKING:
    from edgewright_runtimes.preprocess import Preprocess
    from edgewright_runtimes.records import TensorSpec

CHUNK = 256


class Subset(DataSet):
    """Some items of a data set, in its order."""

    def __init__(self, data: DataSet, indices: Array) -> None:
        self._data = data
        self._indices = np.sort(indices)
        self.name = data.name
        self.items = len(indices)
        self.shapes = data.shapes
        self.class_names = data.class_names
        self.y = None if data.y is None else data.y[self._indices]

    @property
    def sha256(self) -> str:
        """Of the whole set and of which items of it these are."""
        return hashlib.sha256(self._data.sha256.encode() + self._indices.tobytes()).hexdigest()

    def _numbers(self, indices: Array) -> Array:
        return np.asarray(self._indices[indices])

    def _stream(self, size: int, wanted: Array) -> Iterator[Mapping[str, Array]]:
        return self._data._stream(size, self._indices[wanted])


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """``train`` is learnt from and calibrated with, ``held_back`` chooses, ``scored`` judges.

    The last two are one where no data of its own was given to judge by.
    """

    train: DataSet
    held_back: DataSet
    scored: DataSet


def split(data: DataSet, check: DataSet | None, share: float, seed: int) -> Split:
    """Hold ``share`` of the items back, drawn over the whole set; ``check`` judges where given."""
    if not 0 < share < 1:
        raise BadInput(
            f"held-back is {share:g}; a share more than 0 and less than 1 was expected",
            hint="0.1 holds every tenth item back",
        )
    count = max(1, round(data.items * share))
    if data.items - count < 1:
        raise BadInput(
            f"{data.name} has {data.items} items: none is left to learn from when {count} "
            f"{'is' if count == 1 else 'are'} held back",
            hint="give more items, or hold back a smaller share",
        )
    order = np.random.default_rng(seed).permutation(data.items)
    held_back = Subset(data, order[:count])
    return Split(
        train=Subset(data, order[count:]),
        held_back=held_back,
        scored=held_back if check is None else check,
    )


def write_items(
    data: DataSet, preprocess: Preprocess, inputs: Sequence[TensorSpec], folder: Path
) -> None:
    """Preprocessed feeds as ``0.npy``, ``1.npy`` in the order of ``inputs``, and ``labels.npy``.

    ``places.npy`` are the numbers by which the items are called in messages. Streamed: memory
    stays flat however many items there are. Raises ``BadInput`` where they do not fit the inputs.
    """
    folder.mkdir(parents=True)
    with ExitStack() as stack:
        files: dict[str, IO[bytes]] = {}
        for batch in data.batches(CHUNK):
            feeds = model_feeds(batch.x, preprocess, inputs)
            for number, spec in enumerate(inputs):
                part = np.ascontiguousarray(feeds[spec.name])
                if spec.name not in files:
                    file = stack.enter_context((folder / f"{number}.npy").open("wb"))
                    files[spec.name] = file
                    _write_header(file, part, data.items)
                files[spec.name].write(part.tobytes())
    np.save(folder / "places.npy", data._numbers(np.arange(data.items)), allow_pickle=False)
    if data.y is not None:
        np.save(folder / "labels.npy", data.y, allow_pickle=False)


def _write_header(file: IO[bytes], part: Array, items: int) -> None:
    """Of ``items`` like those of ``part``; a disk that fills up is then an error of a write, and
    no signal, as it is for what is written through memory."""
    np.lib.format.write_array_header_1_0(
        file,
        {
            "descr": np.lib.format.dtype_to_descr(part.dtype),
            "fortran_order": False,
            "shape": (items, *part.shape[1:]),
        },
    )

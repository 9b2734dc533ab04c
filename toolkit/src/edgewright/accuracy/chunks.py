"""Preprocessed feeds in pieces on disk, as the worker and the converter process take them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from edgewright.atomic import WriteFailed
from edgewright.data.feeds import model_feeds

if TYPE_CHECKING:
    from edgewright.data import DataSet
    from edgewright_runtimes.preprocess import Preprocess
    from edgewright_runtimes.records import TensorSpec

Array = np.ndarray[Any, Any]
PIECE_ITEMS = 256
PIECE_BYTES = 32 << 20
KEPT_BYTES = 1 << 30  # so much may lie on disk, so that one decoding serves every artifact


class Chunks:
    """Iterate as often as there are artifacts: each time, (file, items) of every piece.

    Pieces that fit ``KEPT_BYTES`` together stay on disk; the others are made again each time.
    """

    def __init__(
        self,
        data: DataSet,
        indices: Array,
        preprocess: Preprocess,
        inputs: Sequence[TensorSpec],
        work: Path,
    ) -> None:
        self._data, self._indices = data, indices
        self._preprocess, self._inputs, self._work = preprocess, inputs, work
        one = self._feeds(data.take(indices[:1]).x)  # says at once what does not fit
        item_bytes = max(1, sum(x.nbytes for x in one.values()))
        self._size = max(1, min(PIECE_ITEMS, PIECE_BYTES // item_bytes))
        self._keep = item_bytes * len(indices) <= KEPT_BYTES
        self._kept: list[tuple[Path, int]] = []
        self.shapes = {name: x.shape[1:] for name, x in one.items()}

    def __iter__(self) -> Iterator[tuple[Path, int]]:
        if self._kept:
            yield from self._kept
            return
        made = []
        for place, feeds in enumerate(self.feeds()):
            path = self._work / f"feeds-{place if self._keep else 0}.npz"
            try:
                np.savez(path, **feeds)  # type: ignore[arg-type]
            except OSError as e:
                raise WriteFailed(f"cannot write {path}: {e.strerror or e}") from e
            made.append((path, len(next(iter(feeds.values())))))
            yield made[-1]
        self._kept = made if self._keep else []

    def feeds(self) -> Iterator[dict[str, Array]]:
        """The same pieces in memory, one at a time."""
        for batch in self._data.batches(self._size, self._indices):
            yield self._feeds(batch.x)

    def _feeds(self, x: Any) -> dict[str, Array]:
        return model_feeds(x, self._preprocess, self._inputs)

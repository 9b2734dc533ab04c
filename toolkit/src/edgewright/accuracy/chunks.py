"""Preprocessed feeds in pieces on disk, as the worker and the converter process take them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from copy import copy
from itertools import count
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
Piece = tuple[Path, int]  # an .npz and how many items it holds
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
        keep = item_bytes * len(indices) <= KEPT_BYTES
        self._kept = _Kept(self.feeds, work) if keep else None
        self.shapes = {name: x.shape[1:] for name, x in one.items()}

    def beside(self, work: Path) -> Chunks:
        """The same pieces for one who iterates at the same time: those that stay on disk are
        shared, the others are made in ``work``."""
        other = copy(self)
        other._work = work
        return other

    def __iter__(self) -> Iterator[Piece]:
        if self._kept is not None:
            yield from self._kept
            return
        for feeds in self.feeds():
            yield _save(self._work / "feeds.npz", feeds)

    def feeds(self) -> Iterator[dict[str, Array]]:
        """The same pieces in memory, one at a time."""
        for batch in self._data.batches(self._size, self._indices):
            yield self._feeds(batch.x)

    def _feeds(self, x: Any) -> dict[str, Array]:
        return model_feeds(x, self._preprocess, self._inputs)


class _Kept:
    """Pieces that are made once, when the first who iterates comes to them."""

    def __init__(self, feeds: Callable[[], Iterator[dict[str, Array]]], work: Path) -> None:
        self._feeds, self._work = feeds, work
        self._lock = threading.Lock()
        self._pieces: list[Piece] = []
        self._source: Iterator[dict[str, Array]] | None = None
        self._whole = False

    def __iter__(self) -> Iterator[Piece]:
        for place in count():
            with self._lock:
                piece = self._piece(place)
            if piece is None:
                return
            yield piece

    def _piece(self, place: int) -> Piece | None:
        while place >= len(self._pieces):
            if self._whole:
                return None
            try:
                self._make()
            except BaseException:
                self._pieces, self._source = [], None  # an iterator that raised is at its end
                raise
        return self._pieces[place]

    def _make(self) -> None:
        if self._source is None:
            self._source = self._feeds()
        feeds = next(self._source, None)
        if feeds is None:
            self._whole = True
        else:
            path = self._work / f"feeds-{len(self._pieces)}.npz"
            self._pieces.append(_save(path, feeds))


def _save(path: Path, feeds: dict[str, Array]) -> Piece:
    try:
        np.savez(path, **feeds)  # type: ignore[arg-type]
    except OSError as e:
        raise WriteFailed(f"cannot write {path}: {e.strerror or e}") from e
    return path, len(next(iter(feeds.values())))

"""Pieces of a data set for several who run at the same time."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from edgewright.accuracy import chunks as chunks_module
from edgewright.accuracy.chunks import Chunks
from edgewright.data import open_data
from edgewright_runtimes.errors import BadInput
from edgewright_runtimes.preprocess import Preprocess
from edgewright_runtimes.records import TensorSpec

SPEC = (TensorSpec(name="x", dtype="float32", shape=(None, 2)),)
ITEMS = 700


@pytest.fixture
def chunks(tmp_path: Path) -> Chunks:
    x = np.arange(ITEMS * 2, dtype=np.float32).reshape(ITEMS, 2)
    np.savez(tmp_path / "d.npz", x=x)
    data = open_data(str(tmp_path / "d.npz"), preprocess=Preprocess.from_dict({}))
    return Chunks(data, np.arange(ITEMS), Preprocess.from_dict({}), SPEC, tmp_path)


def read(chunks: Chunks) -> list[float]:
    found: list[float] = []
    for path, count in chunks:
        with np.load(path) as arrays:
            assert len(arrays["x"]) == count
            found += arrays["x"][:, 0].tolist()
    return found


@pytest.mark.parametrize("kept_bytes", [1 << 30, 0])
def test_each_reads_all_items_in_their_order(
    chunks: Chunks, tmp_path: Path, kept_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chunks_module, "KEPT_BYTES", kept_bytes)
    data = open_data(str(tmp_path / "d.npz"), preprocess=Preprocess.from_dict({}))
    whole = Chunks(data, np.arange(ITEMS), Preprocess.from_dict({}), SPEC, tmp_path)
    found: list[list[float]] = []
    readers = []
    for number in range(4):
        folder = tmp_path / str(number)
        folder.mkdir()
        own = whole.beside(folder)
        readers.append(threading.Thread(target=lambda own=own: found.append(read(own))))
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    assert found == [[2.0 * i for i in range(ITEMS)]] * 4


def test_pieces_are_made_once_and_only_as_they_are_needed(chunks: Chunks, tmp_path: Path) -> None:
    next(iter(chunks))
    assert len(list(tmp_path.glob("feeds-*.npz"))) == 1
    first = [path for path, _ in chunks]
    times = [path.stat().st_mtime_ns for path in first]
    assert [path for path, _ in chunks.beside(tmp_path)] == first
    assert [path.stat().st_mtime_ns for path in first] == times


def test_data_that_fails_in_the_middle_fails_for_everybody(
    chunks: Chunks, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An iterator that raised looks like one at its end: no half data set may pass for a whole."""
    feeds = chunks.feeds

    def broken() -> Iterator[dict[str, object]]:
        yield next(feeds())
        raise BadInput("it is cut")

    monkeypatch.setattr(chunks._kept, "_feeds", broken)
    for _ in range(2):
        with pytest.raises(BadInput, match="it is cut"):
            read(chunks)

"""Files of results: whole or not there, and nothing in them but what was asked for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgewright_runtimes.errors import EdgewrightError
from edgewright_runtimes.worker.files import save_arrays, save_samples


def test_arrays_and_nothing_else(tmp_path: Path) -> None:
    arrays = {name: np.full((2, 3), i, np.float32) for i, name in enumerate(["y", "file", "a/b:0"])}
    save_arrays(tmp_path / "a.npz", arrays)
    with np.load(tmp_path / "a.npz", allow_pickle=False) as found:
        assert found.files == list(arrays)
        assert all(np.array_equal(found[name], arrays[name]) for name in arrays)
    assert [p.name for p in tmp_path.iterdir()] == ["a.npz"]


def test_objects_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="Object arrays"):
        save_arrays(tmp_path / "a.npz", {"y": np.array([{}], object)})
    assert not list(tmp_path.iterdir())


def test_what_can_t_be_written_says_where(tmp_path: Path) -> None:
    with pytest.raises(EdgewrightError, match=r"cannot write .*absent") as raised:
        save_samples(tmp_path / "absent" / "s.npy", np.ones(3, np.int64))
    assert "disk" in raised.value.hint

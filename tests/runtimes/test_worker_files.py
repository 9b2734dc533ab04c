"""Files of results: whole or not there, and nothing in them but what was asked for."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest

from edgewright_runtimes.errors import EdgewrightError
from edgewright_runtimes.worker.files import save_arrays, save_samples


def test_arrays_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    y = np.ones((2, 3), np.float32)
    save_arrays(tmp_path / "a.npz", {"y": y})
    with zipfile.ZipFile(tmp_path / "a.npz") as archive:
        assert archive.namelist() == ["y.npy"]
    as_numpy_1: dict[str, object] = {}  # takes every word for the name of an array
    monkeypatch.setattr(np, "savez", lambda file, **arrays: as_numpy_1.update(arrays))
    save_arrays(tmp_path / "a.npz", {"y": y})
    assert list(as_numpy_1) == ["y"]


def test_objects_are_refused(tmp_path: Path) -> None:
    with pytest.raises(EdgewrightError, match="'y' holds objects"):
        save_arrays(tmp_path / "a.npz", {"y": np.array([{}], object)})
    assert not list(tmp_path.iterdir())


def test_what_can_t_be_written_says_where(tmp_path: Path) -> None:
    with pytest.raises(EdgewrightError, match=r"cannot write .*absent") as raised:
        save_samples(tmp_path / "absent" / "s.npy", np.ones(3, np.int64))
    assert "disk" in raised.value.hint

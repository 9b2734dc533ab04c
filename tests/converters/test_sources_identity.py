from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from edgewright_converters.errors import UnreadableSource
from edgewright_converters.sources import source_sha256


def test_a_files_name_is_its_sha256(tmp_path: Path) -> None:
    data = bytes(range(256)) * 10_000  # more than one chunk, and not a multiple of it
    (tmp_path / "m.keras").write_bytes(data)
    assert source_sha256(tmp_path / "m.keras") == hashlib.sha256(data).hexdigest()


def test_a_folders_name_follows_contents_and_names(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name / "variables").mkdir(parents=True)
        (tmp_path / name / "saved_model.pb").write_bytes(b"graph")
        (tmp_path / name / "variables" / "data").write_bytes(b"weights")
    first = source_sha256(tmp_path / "a")
    assert first == source_sha256(tmp_path / "b")
    (tmp_path / "b" / "variables" / "data").write_bytes(b"Weights")
    assert source_sha256(tmp_path / "b") != first
    (tmp_path / "a" / "variables" / "data").rename(tmp_path / "a" / "data")
    assert source_sha256(tmp_path / "a") != first


def test_nothing_there(tmp_path: Path) -> None:
    with pytest.raises(UnreadableSource, match="no such file or folder"):
        source_sha256(tmp_path / "none")

"""What was hashed is not hashed again while it looks the same; what looks otherwise is."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from tests.toolkit.bench_bundle import make_bundle

from edgewright import seen as module
from edgewright.bundle import Bundle, artifact_sha256, content_sha256
from edgewright.seen import NAME, Seen


@pytest.fixture
def bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bundle:
    monkeypatch.setattr(module, "SETTLED_NS", 0)
    return make_bundle(tmp_path / "b")


def _hashing(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of what is hashed from now on."""
    names: list[str] = []

    def counted(bundle: Bundle, artifact) -> str:  # type: ignore[no-untyped-def]
        names.append(artifact.name)
        return artifact_sha256(bundle, artifact)

    monkeypatch.setattr(module, "artifact_sha256", counted)
    return names


def test_an_artifact_is_hashed_once(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    hashed = _hashing(monkeypatch)
    for _ in range(3):
        seen = Seen(bundle)
        assert all(seen.is_whole(a) for a in bundle.artifacts())
        seen.write()
    assert hashed == [a.name for a in bundle.artifacts()]


def test_a_swap_of_the_same_size_and_mtime_is_seen(bundle: Bundle) -> None:
    for artifact in bundle.artifacts():
        seen = Seen(bundle)
        assert seen.is_whole(artifact)
        seen.write()
        model = bundle.model_file(artifact)
        status = model.stat()
        data = bytearray(model.read_bytes())
        data[len(data) // 2] ^= 1
        model.write_bytes(data)  # the same inode
        os.utime(model, ns=(status.st_atime_ns, status.st_mtime_ns))
        assert model.stat().st_size == status.st_size
        assert not Seen(bundle).is_whole(artifact)
        model.unlink()
        assert not Seen(bundle).is_whole(artifact)


def test_a_file_that_only_looks_otherwise_is_hashed_and_whole(
    bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    artifact = bundle.artifacts()[0]
    seen = Seen(bundle)
    seen.remember(artifact)
    seen.write()
    os.utime(bundle.model_file(artifact))
    hashed = _hashing(monkeypatch)
    assert Seen(bundle).is_whole(artifact)
    assert hashed == [artifact.name]


def test_what_changed_just_now_is_not_trusted_by_its_looks(
    bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Within one tick of the clock a second write would leave the times as they are."""
    monkeypatch.setattr(module, "SETTLED_NS", time.time_ns())
    artifact = bundle.artifacts()[0]
    seen = Seen(bundle)
    seen.remember(artifact)
    seen.write()
    hashed = _hashing(monkeypatch)
    assert Seen(bundle).is_whole(artifact)
    assert hashed == [artifact.name]


@pytest.mark.parametrize("text", ["", "[1]", '{"tflite-int8": 3}', '{"tflite-int8": {}}'])
def test_a_damaged_file_is_as_if_nothing_had_been_seen(bundle: Bundle, text: str) -> None:
    (bundle.path / NAME).write_text(text)
    assert all(Seen(bundle).is_whole(a) for a in bundle.artifacts())


def test_a_changed_source_has_another_hash(bundle: Bundle, tmp_path: Path) -> None:
    source = tmp_path / "m.keras"
    for content in (b"one", b"two"):
        source.write_bytes(content)
        seen = Seen(bundle)
        assert seen.source_sha256(source) == content_sha256(source)
        seen.write()
    assert (bundle.path / NAME).read_text().count("source ") == 1

"""A bundle is whole after whatever happens to it, and says what it could not read."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tests.toolkit.bench_bundle import make_bundle

from edgewright.atomic import WriteFailed, atomic_file, write_text
from edgewright.bundle import Bundle, BundleBusy, artifact_sha256, content_sha256
from edgewright_runtimes.errors import BadInput, UnknownName
from edgewright_runtimes.records import Failure, SourceInfo, TensorSpec

SOURCE = SourceInfo(
    path="/models/größe 1.keras",
    sha256="source",
    kind="keras3",
    inputs=(TensorSpec(name="x", dtype="float32", shape=(None, 4)),),
    outputs=(TensorSpec(name="y", dtype="float32", shape=(None, 3)),),
)


def test_artifacts_come_in_the_order_of_the_catalogue(tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path / "b")
    names = ["tflite-float32", "tflite-int8", "onnx-float32", "tfjs-float32"]
    assert [a.name for a in bundle.artifacts()] == names
    with pytest.raises(UnknownName, match="did you mean 'tflite-int8'"):
        bundle.artifact("tflite-int")


def test_the_head_comes_back_as_it_was_written(tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path / "b")
    bundle.write_head(SOURCE)
    assert Bundle.open(tmp_path / "b").require_source() == SOURCE


def test_artifacts_of_another_source_are_not_shown(tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path / "b")
    from dataclasses import replace

    bundle.write_head(replace(SOURCE, sha256="retrained"))
    assert bundle.artifacts() == ()


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"schema": 1}', '{"source": 5}', "\xff"])
def test_a_damaged_head_is_said_and_the_artifacts_are_read(tmp_path: Path, text: str) -> None:
    bundle = make_bundle(tmp_path / "b")
    (bundle.path / "bundle.json").write_bytes(text.encode("latin-1"))
    opened = Bundle.open(bundle.path)
    assert len(opened.artifacts()) == 4
    assert len(opened.problems) == 1 and "edgewright convert" in opened.problems[0]
    with pytest.raises(BadInput, match="missing or damaged"):
        opened.require_source()


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", "{}", '{"schema": 99}', "\xff", "[" * 9999]
)
def test_a_damaged_record_is_set_aside_and_said(tmp_path: Path, text: str) -> None:
    bundle = make_bundle(tmp_path / "b")
    record = bundle.artifact_folder("tflite-int8") / "artifact.json"
    record.write_bytes(text.encode("latin-1"))
    opened = Bundle.open(bundle.path)
    assert [a.name for a in opened.artifacts()] == [
        "tflite-float32",
        "onnx-float32",
        "tfjs-float32",
    ]
    assert len(opened.problems) == 1 and str(record) in opened.problems[0]


def test_another_folder_and_a_file_are_no_bundle(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "mine.txt").write_text("mine")
    for name, words in (("file", "is a file"), ("folder", "not empty and not a bundle")):
        with pytest.raises(BadInput, match=words):
            Bundle.create(tmp_path / name)
        with pytest.raises(BadInput, match="is not a bundle"):
            Bundle.open(tmp_path / name)
    with pytest.raises(WriteFailed, match="cannot write"):
        Bundle.create(tmp_path / "file" / "inside")
    assert (tmp_path / "file").read_text() == "mine"
    assert [p.name for p in (tmp_path / "folder").iterdir()] == ["mine.txt"]


@pytest.mark.parametrize("name", ["../../bundle.json", "/etc/hostname", "../x.npy"])
def test_a_record_that_names_a_file_outside_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadInput, match="outside the bundle"):
        make_bundle(tmp_path / "b").array_file(name)


@pytest.mark.parametrize("name", ["../../elsewhere", "/etc", "onnx-float32"])
def test_a_record_of_another_name_is_set_aside(tmp_path: Path, name: str) -> None:
    bundle = make_bundle(tmp_path / "b")
    record = bundle.artifact_folder("tflite-int8") / "artifact.json"
    record.write_text(json.dumps({**json.loads(record.read_text()), "name": name}))
    names = ["tflite-float32", "onnx-float32", "tfjs-float32"]
    assert [a.name for a in bundle.artifacts()] == names
    assert repr(name) in bundle.problems[0]


def test_a_link_out_of_the_artifacts_folder_is_refused(tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path / "b")
    model = bundle.model_file(bundle.artifact("tflite-int8"))
    model.unlink()
    model.symlink_to("/etc/hostname")
    with pytest.raises(BadInput, match="outside its folder"):
        bundle.model_file(bundle.artifact("tflite-int8"))


def test_one_failure_a_step_and_the_last_one_counts(tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path / "b")
    for error in ("first", "second"):
        bundle.add_failure(Failure(artifact="onnx-int8", stage="convert", error=error))
    bundle.add_failure(Failure(artifact="onnx-int8", stage="run", error="other", runtime="null"))
    assert sorted(f.error for f in bundle.failures()) == ["other", "second"]
    bundle.clear_failures(artifact="onnx-int8", stages=("convert",))
    assert [f.error for f in bundle.failures()] == ["other"]


def test_what_is_tried_again_is_forgotten_and_nothing_else(tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path / "b")
    for target in ("local", "ssh:pi"):
        for runtime in ("", "litert", "tflite-runtime"):
            row = Failure(
                artifact="onnx-int8", stage="run", error="e", target=target, runtime=runtime
            )
            bundle.add_failure(row)
    stages = ("run",)
    bundle.clear_failures(
        artifact="onnx-int8", stages=stages, target="local", runtimes=("", "litert")
    )
    left = sorted((f.target, f.runtime) for f in bundle.failures())
    assert left == [
        ("local", "tflite-runtime"),
        ("ssh:pi", ""),
        ("ssh:pi", "litert"),
        ("ssh:pi", "tflite-runtime"),
    ]
    bundle.clear_failures(artifact="onnx-int8", stages=stages, target="ssh:pi")
    assert [f.runtime for f in bundle.failures()] == ["tflite-runtime"]
    bundle.clear_failures(artifact="onnx-int8", stages=stages)
    assert not bundle.failures()


def test_a_bundle_without_artifacts_says_what_stopped_them(tmp_path: Path) -> None:
    bundle = Bundle.create(tmp_path / "b")
    with pytest.raises(BadInput, match="has no artifact") as nothing:
        bundle.require_artifacts()
    assert nothing.value.hint == "edgewright convert MODEL --out DIR"
    bundle.add_failure(Failure(artifact="onnx-int8", stage="convert", error="no data", hint="give"))
    with pytest.raises(BadInput, match="; onnx-int8 failed at convert: no data") as failed:
        bundle.require_artifacts()
    assert failed.value.hint == "give"
    assert make_bundle(tmp_path / "c").require_artifacts()


def test_the_lock_is_one_and_is_freed(tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path / "b")
    again = Bundle.open(bundle.path)
    with bundle.lock(), pytest.raises(BundleBusy, match="another run is writing"), again.lock():
        pass
    with bundle.lock():
        pass


def test_a_killed_run_frees_the_lock_and_is_swept(tmp_path: Path) -> None:
    """It dies in the middle of writing: of a record, of an artifact in work."""
    bundle = make_bundle(tmp_path / "b")
    code = (
        "import os, sys\nfrom pathlib import Path\n"
        "from edgewright.atomic import atomic_file\nfrom edgewright.bundle import Bundle\n"
        "b = Bundle.open(Path(sys.argv[1]))\n"
        "with b.lock(), atomic_file(b.path / 'measurements' / 'half.json') as stream:\n"
        "    (b.work_folder() / 'half.tflite').write_bytes(b'half')\n"
        "    (b.path / '.golden.npz.7.npz').write_bytes(b'half')\n"
        "    stream.write(b'half')\n    stream.flush()\n    os.kill(os.getpid(), 9)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(bundle.path)], check=False)
    assert done.returncode == -9
    opened = Bundle.open(bundle.path)
    assert len(opened.artifacts()) == 4 and not opened.measurements() and not opened.problems
    with opened.lock():
        left = [p for p in bundle.path.rglob("*") if p.is_file() and b"half" in p.read_bytes()]
    assert left == []


def test_a_file_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "file.json"
    write_text(path, "old")
    with pytest.raises(RuntimeError), atomic_file(path) as stream:
        stream.write(b"new, and then")
        raise RuntimeError
    assert path.read_text() == "old"
    assert os.listdir(path.parent) == ["file.json"]


def test_an_artifact_s_id_is_of_its_bytes_not_of_its_record(tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path / "b")
    for artifact in bundle.artifacts():
        assert artifact_sha256(bundle, artifact) == artifact.sha256
    folder = bundle.artifact_folder("tfjs-float32")
    (folder / "group1-shard1of1.bin").write_bytes(b"weights")
    assert content_sha256(folder) != bundle.artifact("tfjs-float32").sha256


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut", b"no zip at all"])
def test_goldens_cut_short_are_one_clear_line(tmp_path: Path, content: bytes) -> None:
    bundle = make_bundle(tmp_path / "b")
    (bundle.path / "golden.npz").write_bytes(content)
    with pytest.raises(BadInput, match=r"golden\.npz cannot be read.*convert again"):
        bundle.golden()


def test_goldens_never_unpickle(tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path / "b")
    np.savez(bundle.path / "golden.npz", **{"input/x": np.array([{"a": 1}], dtype=object)})
    with pytest.raises(BadInput, match=r"golden\.npz cannot be read"):
        bundle.golden()

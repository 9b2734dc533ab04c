"""What ``load`` takes, and what it says to the rest."""

from __future__ import annotations

import importlib.util
import json
import shutil
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from edgewright_runtimes import load
from edgewright_runtimes.errors import ArtifactError, BadInput, MissingExtra, UnknownName
from edgewright_runtimes.records import Artifact, Format

MODELS = Path(__file__).parents[1] / "models"
X = np.load(MODELS / "expected.npz")["dense/x"]


def write_artifact(bundle: Path, name: str, kind: Format, file: str) -> Path:
    folder = bundle / "artifacts" / name
    folder.mkdir(parents=True)
    if (MODELS / file).exists():
        shutil.copy(MODELS / file, folder)
    record = Artifact(
        name=name,
        format=kind,
        scheme="float32",
        file=file,
        size_bytes=1,
        zipped_bytes=1,
        sha256="0",
        build_key="0",
        source_sha256="0",
        verified="",
        max_error=None,
        golden="none",
        batch=1,
    )
    (folder / "artifact.json").write_text(json.dumps(asdict(record)))
    return folder


@pytest.mark.parametrize("file", ["dense.tflite", "dense.onnx"])
def test_a_file_by_text_or_path(file: str) -> None:
    for path in (MODELS / file, str(MODELS / file)):
        with load(path) as model:
            assert model.predict(X).shape == (6, 3)
            assert (model.labels, model.contract) == ((), None)


def test_an_artifacts_folder_and_a_bundle_of_one(tmp_path: Path) -> None:
    folder = write_artifact(tmp_path, "tflite-float32", "tflite", "dense.tflite")
    write_artifact(tmp_path, "tfjs-float32", "tfjs", "model.json")
    for path in (folder, folder / "artifact.json", tmp_path):
        with load(path) as model:
            assert model.path == folder / "dense.tflite"


def test_a_bundle_of_several_lists_them(tmp_path: Path) -> None:
    write_artifact(tmp_path, "tflite-float32", "tflite", "dense.tflite")
    write_artifact(tmp_path, "onnx-float32", "onnx", "dense.onnx")
    with pytest.raises(BadInput, match="has 2 artifacts that load here: onnx-float32, tflite-flo"):
        load(tmp_path)


def test_tfjs_is_not_on_this_target(tmp_path: Path) -> None:
    folder = write_artifact(tmp_path, "tfjs-float32", "tfjs", "model.json")
    (tmp_path / "model.json").write_text("{}")
    for path in (folder, tmp_path / "model.json"):
        with pytest.raises(BadInput, match=r"TF\.js artifact is not on this target"):
            load(path)
    (tmp_path / "model.json").unlink()
    with pytest.raises(BadInput, match=r"none \(only TF\.js, which runs in a page\)"):
        load(tmp_path)


def test_an_artifact_cannot_name_a_file_elsewhere(tmp_path: Path) -> None:
    folder = write_artifact(tmp_path, "tflite-float32", "tflite", "dense.tflite")
    record = json.loads((folder / "artifact.json").read_text())
    for file in ("../dense.tflite", str(MODELS / "dense.tflite"), "gone.tflite"):
        (folder / "artifact.json").write_text(json.dumps({**record, "file": file}))
        with pytest.raises(BadInput, match="which is not beside it"):
            load(folder)


def test_what_is_no_model_gets_one_clear_line(tmp_path: Path) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("hello")
    (tmp_path / "model.keras").write_bytes(b"PK")
    (tmp_path / "saved").mkdir()
    (tmp_path / "saved" / "saved_model.pb").write_bytes(b"")
    for path, message in (
        (tmp_path / "gone.tflite", "no such file or folder"),
        (tmp_path, "no bundle and no artifact's folder"),
        (text, r"known: \.tflite, \.onnx"),
        (tmp_path / "model.keras", "edgewright convert"),
        (tmp_path / "saved", "edgewright convert"),
    ):
        with pytest.raises(BadInput, match=message):
            load(path)


def test_a_cut_file_is_refused_with_the_runtimes_reason(tmp_path: Path) -> None:
    for file, package in (("dense.tflite", "ai-edge-litert"), ("dense.onnx", "onnxruntime")):
        path = tmp_path / file
        path.write_bytes((MODELS / file).read_bytes()[:-400])
        with pytest.raises(ArtifactError, match=f"{file}: {package} cannot open it: ."):
            load(path)


def test_a_tflite_file_under_another_name(tmp_path: Path) -> None:
    path = shutil.copy(MODELS / "dense.tflite", tmp_path / "weights.lite")
    with load(path) as model:
        assert model.predict(X).shape == (6, 3)


def test_runtimes_by_name() -> None:
    with load(MODELS / "dense.onnx", runtime="onnxruntime", threads=2) as model:
        assert model.in_force()["threads"] == "2"
    with load(MODELS / "dense.tflite") as model:
        assert model.in_force()["threads"] == "1"
    with pytest.raises(BadInput, match="does not run tflite; expected one of litert, tflite-runt"):
        load(MODELS / "dense.tflite", runtime="onnxruntime")
    with pytest.raises(UnknownName, match="no runtime named 'lite'"):
        load(MODELS / "dense.tflite", runtime="lite")
    with pytest.raises(BadInput, match="threads is 0"):
        load(MODELS / "dense.tflite", threads=0)


def test_without_a_runtime_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r"pip install 'edgewright-runtimes\[litert\]'"):
        load(MODELS / "dense.tflite")
    with pytest.raises(MissingExtra, match=r"pip install 'edgewright-runtimes\[onnx\]'"):
        load(MODELS / "dense.onnx")

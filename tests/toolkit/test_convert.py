"""One command makes every artifact, each of them run; a second one makes nothing."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

if TYPE_CHECKING:
    from conftest import Command

from edgewright.bundle import Bundle, artifact_sha256
from edgewright.conversion.variants import CATALOGUE
from edgewright_runtimes.contract import read_contract


def test_every_variant_is_made_verified_and_signed(converted: Path) -> None:
    bundle = Bundle.open(converted)
    artifacts = {a.name: a for a in bundle.artifacts()}
    assert list(artifacts) == [v.name for v in CATALOGUE]
    for artifact in artifacts.values():
        assert artifact.golden == "real"
        assert artifact.max_error is not None
        assert artifact.sha256 == artifact_sha256(bundle, artifact)
        contract = read_contract(bundle.model_file(artifact))
        assert contract is not None
        assert [i.name for i in contract.inputs] == ["image"]
        assert contract.batch == (1 if artifact.format == "tflite" else None)
    assert "graph, not a browser" in artifacts["tfjs-float32"].verified


def test_float32_is_closer_than_int8(converted: Path) -> None:
    bundle = Bundle.open(converted)
    errors = {a.name: a.max_error for a in bundle.artifacts()}
    assert errors["tflite-float32"] < 1e-5 < errors["tflite-int8"]


def test_the_bundle_names_its_source(converted: Path, tiny: Path) -> None:
    source = Bundle.open(converted).require_source()
    assert source.path == str(tiny / "model.keras")
    assert source.kind == "keras3"
    assert source.calibration["samples"] == 256
    low, high = source.calibration["ranges"]["image"]
    assert 0 <= low < high <= 1


def test_a_second_run_takes_everything_and_imports_no_framework(
    command: Command, converted: Path, tiny: Path
) -> None:
    words = ["convert", tiny / "model.keras", "--out", converted, "--calibrate", tiny / "train.npz"]
    ran = command(*words, "--json")
    assert ran.code == 0
    assert ran.json()["built"] == []
    assert len(ran.json()["taken"]) == len(CATALOGUE)
    code = (
        "import sys\nfrom edgewright.cli import main\n"
        f"main({[*map(str, words), '--json']!r})\n"
        "print('HEAVY', sorted({'tensorflow', 'keras', 'onnx', 'onnxruntime'} & set(sys.modules)))"
    )
    import subprocess

    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.endswith("HEAVY []\n")


@pytest.mark.slow
def test_another_calibration_builds_again(
    command: Command, converted: Path, tiny: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "bundle"
    shutil.copytree(converted, copy)
    words = ("--out", copy, "--variants", "tflite-float32", "--calibrate", tiny / "train.npz")
    ran = command("convert", tiny / "model.keras", *words, "--samples", "50", "--json")
    assert [a["name"] for a in ran.json()["built"]] == ["tflite-float32"]  # type: ignore[index]


def test_without_data_the_integer_schemes_are_rows_not_the_end(
    command: Command, tiny: Path, tmp_path: Path
) -> None:
    ran = command("convert", tiny / "model.keras", "--out", tmp_path / "b", "--json")
    assert ran.code == 3
    failures = ran.json()["failures"]
    assert [f["artifact"] for f in failures] == [  # type: ignore[index]
        "tflite-int8",
        "tflite-int8-io",
        "tflite-int16x8",
        "onnx-int8",
    ]
    assert all("--calibrate DATA" in f["hint"] for f in failures)  # type: ignore[index]
    bundle = Bundle.open(tmp_path / "b")
    assert {a.golden for a in bundle.artifacts()} == {"random"}
    assert len(bundle.failures()) == 4


def test_nothing_built_is_a_bundle_that_says_so(
    command: Command, tiny: Path, tmp_path: Path
) -> None:
    out = tmp_path / "b"
    ran = command("convert", tiny / "model.keras", "--out", out, "--variants", "tflite-int8")
    assert ran.code == 1
    bundle = Bundle.open(out)
    source = bundle.require_source()
    assert source.path == str(tiny / "model.keras")
    assert [i.name for i in source.inputs] == ["image"]
    assert [f.artifact for f in bundle.failures()] == ["tflite-int8"]
    assert not bundle.artifacts() and not bundle.problems
    for words in (["bench", out], ["check", out, "--data", tiny / "test.npz"]):
        said = command(*words)
        assert said.code == 2
        assert "has no artifact; tflite-int8 failed at convert: int8 is calibrated" in said.err
        assert said.err.count("\n") == 1
    assert command("report", out).code == 0
    assert "Nothing was made" in (out / "report.html").read_text()


def test_a_swapped_file_of_the_same_size_is_built_again(
    command: Command, tiny: Path, tmp_path: Path
) -> None:
    out = tmp_path / "b"
    words = ["convert", tiny / "model.keras", "--out", out, "--variants", "onnx-float32,tfjs-uint8"]
    assert command(*words).code == 0
    assert "2 already there" in command(*words).out
    bundle = Bundle.open(out)
    for name in ("onnx-float32", "tfjs-uint8"):
        artifact = bundle.artifact(name)
        folder = bundle.artifact_folder(name)
        file = next(folder.glob("*.bin")) if name == "tfjs-uint8" else folder / artifact.file
        whole = file.read_bytes()
        file.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
        ran = command(*words)
        assert ran.code == 0
        assert "1 built, 1 already there" in ran.out
        assert f"{name}: its file was not the one that was built" in ran.err
        assert artifact_sha256(bundle, bundle.artifact(name)) == bundle.artifact(name).sha256


def test_a_lost_index_is_rebuilt(converted: Path, tiny: Path, tmp_path: Path) -> None:
    copy = tmp_path / "bundle"
    shutil.copytree(converted, copy)
    (copy / "bundle.json").write_text('{"schema": 1, "sour')  # cut short
    bundle = Bundle.open(copy)
    assert len(bundle.artifacts()) == len(CATALOGUE)
    assert "bundle.json cannot be read" in bundle.problems[0]


def test_an_artifact_record_cut_short_is_set_aside(converted: Path, tmp_path: Path) -> None:
    copy = tmp_path / "bundle"
    shutil.copytree(converted, copy)
    record = copy / "artifacts" / "tflite-int8" / "artifact.json"
    record.write_text(record.read_text()[:100])
    bundle = Bundle.open(copy)
    assert "tflite-int8" not in {a.name for a in bundle.artifacts()}
    assert str(record) in bundle.problems[0]


def test_a_newer_schema_is_refused_with_a_message(converted: Path, tmp_path: Path) -> None:
    copy = tmp_path / "bundle"
    shutil.copytree(converted, copy)
    record = copy / "artifacts" / "tflite-int8" / "artifact.json"
    data = json.loads(record.read_text())
    record.write_text(json.dumps({**data, "schema": 99}))
    bundle = Bundle.open(copy)
    assert "tflite-int8" not in {a.name for a in bundle.artifacts()}
    assert "schema 99 is newer" in bundle.problems[0]


def test_an_artifact_outside_its_folder_is_refused(converted: Path, tmp_path: Path) -> None:
    from edgewright_runtimes.errors import BadInput

    copy = tmp_path / "bundle"
    shutil.copytree(converted, copy)
    record = copy / "artifacts" / "tflite-int8" / "artifact.json"
    data = json.loads(record.read_text())
    record.write_text(json.dumps({**data, "file": "../../../secret"}))
    bundle = Bundle.open(copy)
    with pytest.raises(BadInput, match="outside its folder"):
        bundle.model_file(bundle.artifact("tflite-int8"))


@pytest.mark.slow
def test_labels_of_class_folders_reach_the_contract(
    command: Command, tiny: Path, tmp_path: Path
) -> None:
    labels = tmp_path / "labels.txt"
    labels.write_text("cat\ndog\nbird\n")
    words = ("--variants", "tflite-float32", "--labels", labels, "--out", tmp_path / "b")
    ran = command("convert", tiny / "model.keras", *words)
    assert ran.code == 0 and "labels" not in ran.err
    bundle = Bundle.open(tmp_path / "b")
    contract = read_contract(bundle.model_file(bundle.artifact("tflite-float32")))
    assert contract is not None
    assert contract.labels == ("cat", "dog", "bird")


def test_calibration_items_of_the_wrong_shape_are_one_clear_line(
    command: Command, tiny: Path, tmp_path: Path
) -> None:
    data = tmp_path / "wrong.npz"
    np.savez(data, x=np.zeros((20, 5, 5, 1), np.float32))
    out = tmp_path / "b"
    ran = command("convert", tiny / "model.keras", "--out", out, "--calibrate", data)
    assert ran.code == 2
    assert ran.err.count("\n") == 1
    assert "takes items of shape [8, 8, 1], the data has [5, 5, 1]" in ran.err
    assert not list((out / "artifacts").iterdir())

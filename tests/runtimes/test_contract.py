"""The contract is read back from every format, and files of others are told apart."""

from __future__ import annotations

import importlib.util
import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from edgewright_runtimes.contract import encode, from_payload, read_contract, to_payload
from edgewright_runtimes.errors import BadInput
from edgewright_runtimes.records import Contract, TensorSpec

MODELS = Path(__file__).parent / "models"
NAMES = ("model.tflite", "model.onnx", "model.json")


def the_contract() -> Contract:
    spec = importlib.util.spec_from_file_location("make_plain", MODELS / "make_plain.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    contract: Contract = module.CONTRACT
    return contract


@pytest.mark.parametrize("name", NAMES)
def test_the_kept_files_give_their_contract(name: str) -> None:
    assert read_contract(MODELS / "contract" / name) == the_contract()


def test_a_folder_is_its_model_json() -> None:
    assert read_contract(MODELS / "contract") == the_contract()


@pytest.mark.parametrize("name", NAMES)
def test_a_file_of_others_has_none(name: str) -> None:
    assert read_contract(MODELS / "plain" / name) is None


@pytest.mark.parametrize("name", [*NAMES, "model.keras"])
def test_a_missing_or_empty_file_is_said(name: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"No such file|known: \.tflite"):
        read_contract(tmp_path / name)
    (tmp_path / name).touch()
    with pytest.raises(BadInput, match=r"empty|not JSON|known: \.tflite"):
        read_contract(tmp_path / name)


@pytest.mark.parametrize(
    ("name", "said"),
    [("model.tflite", "not a TFLite file"), ("model.onnx", "ONNX|corrupt"), ("model.json", "JSON")],
)
def test_text_under_another_name_is_said(name: str, said: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text("This is no model at all, whatever its name says.\n")
    with pytest.raises(BadInput, match=said):
        read_contract(tmp_path / name)


def test_json_that_is_no_model_is_said(tmp_path: Path) -> None:
    (tmp_path / "model.json").write_text("{}")
    with pytest.raises(BadInput, match="no modelTopology"):
        read_contract(tmp_path / "model.json")
    (tmp_path / "model.json").write_text("[" * 100_000)
    with pytest.raises(BadInput, match=r"nested too deep|not JSON"):
        read_contract(tmp_path / "model.json")


def test_labels_that_were_taken_away_are_missed(tmp_path: Path) -> None:
    data = (MODELS / "contract" / "model.tflite").read_bytes()
    (tmp_path / "model.tflite").write_bytes(data[: data.rindex(b"PK\x03\x04")])
    with pytest.raises(BadInput, match="its labels"):
        read_contract(tmp_path / "model.tflite")


def test_a_newer_schema_is_refused(tmp_path: Path) -> None:
    shutil.copy(MODELS / "contract" / "model.json", tmp_path)
    file = tmp_path / "model.json"
    model = json.loads(file.read_text())
    model["userDefinedMetadata"]["edgewright"]["schema"] = 99
    file.write_text(json.dumps(model))
    with pytest.raises(BadInput, match=r"schema 99 is newer.*update edgewright"):
        read_contract(file)


def test_defaults_are_left_out_and_come_back() -> None:
    lean = Contract(
        inputs=(TensorSpec(name="x", dtype="float32", shape=(1, 4)),),
        outputs=(),
        batch=1,
        scheme="int8",
    )
    payload = to_payload(lean)
    assert sorted(payload) == ["batch", "inputs", "outputs", "schema", "scheme"]
    assert from_payload(json.loads(encode(payload)), (), where="here") == lean


def test_what_a_later_version_adds_is_passed_over() -> None:
    contract = replace(the_contract(), labels=())
    payload = {**to_payload(contract), "novelty": [1]}
    assert from_payload(payload, (), where="here") == contract


@pytest.mark.parametrize(
    "wrong",
    [
        {"inputs": 3},
        {"inputs": [["x", "float32"]]},
        {"inputs": [[1, "float32", []]]},
        {"inputs": [["x", "float32", ["4"]]]},
        {"batch": "1"},
        {"labels": 2},
        {"schema": "1"},
        {"scheme": None},
    ],
)
def test_a_wrong_field_is_one_clear_error(wrong: dict[str, object]) -> None:
    payload = {**to_payload(replace(the_contract(), labels=())), **wrong}
    with pytest.raises(BadInput, match="here"):
        from_payload(payload, (), where="here")

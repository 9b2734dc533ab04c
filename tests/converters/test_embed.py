"""A contract goes into a file and comes back; the file stays what it was to everyone else."""

from __future__ import annotations

import json
import shutil
import tracemalloc
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.runtimes.models import make_plain

from edgewright_converters.embed import embed_contract
from edgewright_runtimes.contract import MAX_BYTES, encode, read_contract, to_payload
from edgewright_runtimes.errors import BadInput
from edgewright_runtimes.records import Contract, TensorSpec
from edgewright_runtimes.tflite_file import read_metadata, read_model

MODELS = Path(__file__).parents[1] / "runtimes" / "models"
NAMES = ("model.tflite", "model.onnx", "model.json")
DIGITS = tuple(f"digit {n}" for n in range(10))
CONTRACT = Contract(
    inputs=(TensorSpec(name="x", dtype="float32", shape=(None, 4)),),
    outputs=(TensorSpec(name="y", dtype="float32", shape=(None, 3)),),
    batch=None,
    scheme="float32",
    labels=("a", "b", "c"),
)


@pytest.fixture(params=NAMES)
def plain(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    shutil.copytree(MODELS / "plain", tmp_path, dirs_exist_ok=True)
    path: Path = tmp_path / request.param
    return path


def test_it_comes_back(plain: Path) -> None:
    embed_contract(plain, CONTRACT)
    assert read_contract(plain) == CONTRACT
    assert sorted(f.name for f in plain.parent.iterdir()) == [*sorted(NAMES), "weights.bin"]


def test_the_bytes_are_those_that_are_kept(plain: Path) -> None:
    embed_contract(plain, make_plain.CONTRACT)
    assert plain.read_bytes() == (MODELS / "contract" / plain.name).read_bytes()


def test_a_second_contract_replaces_the_first(plain: Path) -> None:
    embed_contract(plain, CONTRACT)
    once = plain.read_bytes()
    embed_contract(plain, replace(CONTRACT, labels=DIGITS, scheme="int8"))
    assert read_contract(plain) == replace(CONTRACT, labels=DIGITS, scheme="int8")
    embed_contract(plain, replace(CONTRACT, labels=()))
    assert read_contract(plain) == replace(CONTRACT, labels=())
    embed_contract(plain, CONTRACT)
    assert plain.read_bytes() == once


def test_permissions_stay(plain: Path) -> None:
    plain.chmod(0o640)
    embed_contract(plain, CONTRACT)
    assert plain.stat().st_mode & 0o777 == 0o640


def test_over_two_kilobytes_names_the_biggest_part_and_leaves_the_file(plain: Path) -> None:
    before = plain.read_bytes()
    big = replace(CONTRACT, provenance={"note": "n" * MAX_BYTES})
    with pytest.raises(BadInput, match=r"at most 2048 fit \(biggest: provenance 20\d\d"):
        embed_contract(plain, big)
    assert plain.read_bytes() == before


def test_labels_do_not_count_towards_the_two_kilobytes(plain: Path) -> None:
    many = replace(CONTRACT, labels=tuple(f"a label of a class, number {n}" for n in range(1000)))
    embed_contract(plain, many)
    assert read_contract(plain) == many


@pytest.mark.parametrize("label", ["two\nlines", "two\rlines"])
def test_labels_are_single_lines(plain: Path, label: str) -> None:
    with pytest.raises(BadInput, match="line break"):
        embed_contract(plain, replace(CONTRACT, labels=(label, "b")))


def test_what_cannot_hold_one_is_said_and_left_alone(plain: Path) -> None:
    plain.write_bytes(b"no model at all")
    with pytest.raises(BadInput):
        embed_contract(plain, CONTRACT)
    assert plain.read_bytes() == b"no model at all"
    assert sorted(f.name for f in plain.parent.iterdir()) == [*sorted(NAMES), "weights.bin"]
    with pytest.raises(BadInput, match="known"):
        embed_contract(plain.with_suffix(".keras"), CONTRACT)


def test_litert_runs_it_as_before(tmp_path: Path) -> None:
    from ai_edge_litert.interpreter import Interpreter

    path = tmp_path / "model.tflite"
    shutil.copy(MODELS / "plain" / "model.tflite", path)
    embed_contract(path, CONTRACT)
    interpreter = Interpreter(str(path))
    run = interpreter.get_signature_runner("serving_default")
    x = np.array([[1, 2, 3, 4]], np.float32)
    expected = x @ np.arange(12, dtype=np.float32).reshape(4, 3)
    assert (run(x=x)["y"] == expected).all()


def test_tensorflow_s_schema_reads_it(tmp_path: Path) -> None:
    from ai_edge_litert import schema_py_generated as schema

    path = tmp_path / "model.tflite"
    shutil.copy(MODELS / "plain" / "model.tflite", path)
    embed_contract(path, CONTRACT)
    model = schema.ModelT.InitFromPackedBuf(path.read_bytes(), 0)
    plain = schema.ModelT.InitFromPackedBuf((MODELS / "plain" / "model.tflite").read_bytes(), 0)
    entries = {m.name: bytes(model.buffers[m.buffer].data) for m in model.metadata}
    assert entries[b"edgewright"] == encode(to_payload(CONTRACT))
    assert sorted(entries) == [b"TFLITE_METADATA", b"edgewright"]
    assert model.version == plain.version and model.description == plain.description
    assert (model.buffers[1].data == plain.buffers[1].data).all()
    assert model.signatureDefs[0].signatureKey == b"serving_default"


def test_entries_are_replaced_in_a_file_that_another_tool_packed_anew(tmp_path: Path) -> None:
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    packed = schema.ModelT.InitFromPackedBuf((MODELS / "contract/model.tflite").read_bytes(), 0)
    builder = flatbuffers.Builder(1024)
    builder.Finish(packed.Pack(builder), file_identifier=b"TFL3")
    path = tmp_path / "model.tflite"
    path.write_bytes(bytes(builder.Output()))
    embed_contract(path, CONTRACT)
    assert read_contract(path) == CONTRACT
    model = schema.ModelT.InitFromPackedBuf(path.read_bytes(), 0)
    assert sorted(m.name for m in model.metadata) == [b"TFLITE_METADATA", b"edgewright"]


def test_others_read_labels_and_normalization(tmp_path: Path) -> None:
    """Field by field, as ``metadata_schema.fbs`` numbers them."""
    path = tmp_path / "model.tflite"
    shutil.copy(MODELS / "plain" / "model.tflite", path)
    preprocess = {"scale": 0.5, "mean": 1.0, "std": 2.0}
    embed_contract(path, replace(CONTRACT, preprocess=preprocess))
    stored = read_metadata(read_model(path.read_bytes(), where="m"), "TFLITE_METADATA", limit=9999)
    assert stored and stored[4:8] == b"M001"

    from edgewright_runtimes.flatbuffer import Flatbuffer

    root = Flatbuffer(stored, where="metadata").root()
    subgraph = root.element(3, 0)
    x, y = subgraph.element(2, 0), subgraph.element(3, 0)
    assert (x.text(0), y.text(0), root.text(7)) == ("x", "y", "1.0.0")
    unit = x.element(4, 0)
    options = unit.table(1)
    assert unit.integer(0, "B") == 1 and options
    assert (options.reals(0), options.reals(1)) == ((2.0,), (4.0,))  # (x/2 - 1)/2 = (x - 2)/4
    labels = y.element(6, 0)
    assert (labels.text(0), labels.integer(2, "b")) == ("labels.txt", 2)
    with zipfile.ZipFile(path) as archive:
        assert archive.read("labels.txt") == b"a\nb\nc\n"
        assert archive.getinfo("labels.txt").compress_type == zipfile.ZIP_STORED


def test_onnxruntime_runs_it_and_shows_the_properties(tmp_path: Path) -> None:
    import onnx
    import onnxruntime

    path = tmp_path / "model.onnx"
    shutil.copy(MODELS / "plain" / "model.onnx", path)
    embed_contract(path, CONTRACT)
    onnx.checker.check_model(onnx.load(path))
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    x = np.array([[1, 2, 3, 4]], np.float32)
    assert (session.run(None, {"x": x})[0] == [[60, 70, 80]]).all()
    properties = session.get_modelmeta().custom_metadata_map
    assert properties["author"] == "nobody" and properties["labels"] == "a\nb\nc\n"
    assert json.loads(properties["edgewright"])["scheme"] == "float32"


def test_tfjs_keeps_what_is_not_ours(tmp_path: Path) -> None:
    path = tmp_path / "model.json"
    shutil.copy(MODELS / "plain" / "model.json", path)
    before = json.loads(path.read_text())
    embed_contract(path, CONTRACT)
    after = json.loads(path.read_text())
    ours = after["userDefinedMetadata"].pop("edgewright")
    assert after == before and ours["label_names"] == ["a", "b", "c"]


def test_big_weights_pass_through_in_blocks(tmp_path: Path) -> None:
    weights = np.zeros((1024, 4096), np.float32)
    files = {
        "model.tflite": make_plain.tflite_model(weights),
        "model.onnx": make_plain.onnx_model(weights),
    }
    for name, data in files.items():
        path = tmp_path / name
        path.write_bytes(data)
        tracemalloc.start()
        embed_contract(path, CONTRACT)
        assert read_contract(path) == CONTRACT
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 4 << 20 < len(data)


def test_weights_outside_the_flatbuffer_are_refused(tmp_path: Path) -> None:
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    plain = (MODELS / "plain" / "model.tflite").read_bytes()
    model = schema.ModelT.InitFromPackedBuf(plain, 0)
    model.buffers[1] = schema.BufferT(offset=4096, size=48)
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    path = tmp_path / "model.tflite"
    path.write_bytes(bytes(builder.Output()))
    with pytest.raises(BadInput, match="outside the FlatBuffer"):
        embed_contract(path, CONTRACT)


def test_reference_files_grow_by_less_than_three_per_cent(real, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    """The smallest of MLPerf Tiny's int8 files of which a copy is built: 98,496 B."""
    source = real("mlperf_tiny/pretrainedResnet_quant.tflite")
    path = tmp_path / "model.tflite"
    shutil.copy(source, path)
    tools = {"edgewright": "0.1.0", "tensorflow": "2.21.0", "source_sha256": "0" * 64}
    contract = replace(CONTRACT, labels=DIGITS, provenance=tools, goldens_sha256="1" * 64)
    embed_contract(path, contract)
    assert path.stat().st_size - source.stat().st_size < 2000

"""``inspect`` counts what is in a file of ours or of others, and survives what is in neither."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.runtimes.models import make_plain

from edgewright.cli import main
from edgewright.inspection.graph import Inspection
from edgewright.inspection.tflite import builtin_names, dtypes
from edgewright.verbs.inspect import inspect, inspect_file
from edgewright_runtimes.errors import BadInput
from edgewright_runtimes.record_json import to_json
from edgewright_runtimes.records import Artifact

MODELS = Path(__file__).parents[1] / "runtimes" / "models"
NAMES = ("model.tflite", "model.onnx", "model.json")


@pytest.mark.parametrize("folder", ["plain", "contract"])
@pytest.mark.parametrize(
    ("name", "op"),
    [("model.tflite", "FULLY_CONNECTED"), ("model.onnx", "MatMul"), ("model.json", "MatMul")],
)
def test_a_dense_layer_in_each_format(folder: str, name: str, op: str) -> None:
    found = inspect_file(MODELS / folder / name)
    assert [(o.name, o.precision, o.count, o.macs) for o in found.ops] == [(op, "float32", 1, 12)]
    assert (found.parameters, dict(found.weights)) == (12, {"float32": 12})
    assert (found.macs, found.unknown_macs, found.float_ops, found.warnings) == (12, (), (), ())
    assert [(s.name, s.dtype, s.shape) for s in found.inputs] == [("x", "float32", (None, 4))]
    assert [(s.name, s.dtype, s.shape) for s in found.outputs] == [("y", "float32", (None, 3))]
    assert found.contract == (make_plain.CONTRACT if folder == "contract" else None)
    assert found.zipped_bytes > 0 and found.size_bytes >= (MODELS / folder / name).stat().st_size


def test_the_names_of_ops_and_dtypes_are_those_of_the_schema() -> None:
    from ai_edge_litert import schema_py_generated as schema

    ops = {code: name for name, code in vars(schema.BuiltinOperator).items() if type(code) is int}
    assert {n: builtin_names()[n] for n in range(len(builtin_names()))}.items() <= ops.items()
    types = {code: name for name, code in vars(schema.TensorType).items() if type(code) is int}
    assert all(types[code].lower() == name for code, name in enumerate(dtypes()) if code in types)


def onnx_file(path: Path, nodes: list[object], shapes: dict[str, list[object]], **stored: object):  # type: ignore[no-untyped-def]
    import onnx
    from onnx import TensorProto, helper

    values = {
        name: helper.make_tensor_value_info(name, TensorProto.FLOAT, dims)
        for name, dims in shapes.items()
    }
    tensors = [onnx.numpy_helper.from_array(a, n) for n, a in stored.items()]
    graph = helper.make_graph(nodes, "g", [values["x"]], [values["y"]], tensors)
    opset = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, ir_version=8, opset_imports=opset), path)


def real32(*shape: int) -> np.ndarray:
    return np.zeros(shape, np.float32)


@pytest.mark.parametrize(
    ("op", "attributes", "x", "weights", "macs"),
    [
        # 6x6 windows of 3x3x2, 4 filters
        ("Conv", {}, ["n", 2, 8, 8], {"w": real32(4, 2, 3, 3)}, 6 * 6 * 4 * 2 * 9),
        # the same in two groups
        ("Conv", {"group": 2}, ["n", 2, 8, 8], {"w": real32(4, 1, 3, 3)}, 6 * 6 * 4 * 9),
        # every input element meets a kernel of 3 x 3x3
        ("ConvTranspose", {}, ["n", 2, 5, 5], {"w": real32(2, 3, 3, 3)}, 2 * 5 * 5 * 3 * 9),
        ("Gemm", {"transA": 1}, [7, 5], {"w": real32(7, 3)}, 5 * 7 * 3),
        ("MatMul", {}, ["n", 2, 4, 6], {"w": real32(6, 3)}, 2 * 4 * 6 * 3),
        ("Einsum", {"equation": "bij,jk->bik"}, ["n", 4, 6], {"w": real32(6, 3)}, 4 * 6 * 3),
        ("Relu", {}, ["n", 4], {}, 0),
    ],
)
def test_macs_of_onnx_ops(  # type: ignore[no-untyped-def]
    op: str, attributes, x, weights, macs: int, tmp_path: Path
) -> None:
    from onnx import helper

    node = helper.make_node(op, ["x", *weights], ["y"], **attributes)
    onnx_file(tmp_path / "m.onnx", [node], {"x": x, "y": []}, **weights)
    found = inspect_file(tmp_path / "m.onnx")
    assert (found.macs, found.unknown_macs) == (macs, ())


def test_onnx_nodes_out_of_order_are_counted(tmp_path: Path) -> None:
    from onnx import helper

    last = helper.make_node("MatMul", ["h", "w"], ["y"])
    first = helper.make_node("Relu", ["x"], ["h"])
    onnx_file(tmp_path / "m.onnx", [last, first], {"x": ["n", 4], "y": []}, w=real32(4, 3))
    assert inspect_file(tmp_path / "m.onnx").macs == 12


def test_what_of_a_qdq_graph_runs_in_integers(tmp_path: Path) -> None:
    """x -> Q -> DQ -> MatMul(int8 weights) -> Q -> DQ -> Relu, and a MatMul left in float."""
    from onnx import helper

    scale, zero = np.float32(0.1), np.int8(0)
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "s", "z"], ["xq"]),
        helper.make_node("DequantizeLinear", ["xq", "s", "z"], ["xd"]),
        helper.make_node("DequantizeLinear", ["wq", "s", "z"], ["wd"]),
        helper.make_node("MatMul", ["xd", "wd"], ["h"]),
        helper.make_node("MatMul", ["h", "v"], ["i"]),
        helper.make_node("MatMul", ["i", "wd"], ["y"]),
    ]
    stored = {"s": np.array(scale), "z": np.array(zero), "wq": np.zeros((4, 4), np.int8)}
    onnx_file(tmp_path / "m.onnx", nodes, {"x": ["n", 4], "y": []}, **stored, v=real32(4, 4))
    found = inspect_file(tmp_path / "m.onnx")
    counts = {(o.name, o.precision): o.count for o in found.ops}
    assert counts["MatMul", "int8"] == counts["MatMul", "float32"] == 1
    assert counts["MatMul", "int8 weights"] == 1
    assert found.float_ops == ("MatMul (i)",)
    assert found.parameters == 32  # scales and zero points are none


def tfjs_net() -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Pad, a strided convolution, a depthwise one, pooling, a reshape of -1, a dense layer."""

    def node(name: str, op: str, *inputs: str, **attributes: object) -> dict[str, Any]:
        return {"name": name, "op": op, "input": list(inputs), "attr": attributes}

    same, valid = {"s": "U0FNRQ=="}, {"s": "VkFMSUQ="}
    two = {"list": {"i": ["1", "2", "2", "1"]}}
    one = {"list": {"i": ["1", "1", "1", "1"]}}
    shape = {"shape": {"dim": [{"size": s} for s in ("-1", "6", "6", "2")]}}
    weights = {
        "pads": np.array([[0, 0], [1, 1], [1, 1], [0, 0]], np.int32),
        "w": real32(3, 3, 2, 4),
        "d": real32(3, 3, 4, 2),
        "flat": np.array([-1, 8], np.int32),
        "v": real32(8, 5),
    }
    nodes = [
        node("x", "Placeholder", shape=shape),
        *(node(name, "Const") for name in weights),
        node("p", "Pad", "x", "pads"),
        node("c", "Conv2D", "p", "w", strides=two, padding=same),
        node("dw", "DepthwiseConv2dNative", "c", "d", strides=one, padding=valid),
        node("pool", "MaxPool", "dw", ksize=two, strides=two, padding=valid),
        node("r", "Reshape", "pool", "flat"),
        node("y", "MatMul", "r", "v"),
    ]
    return nodes, weights


def tfjs_model(
    folder: Path, nodes: list[dict[str, Any]], weights: dict[str, Any]
) -> tuple[Path, int]:
    """Write it with its values across two shards; the file, and how many bytes there are."""
    manifest = [
        {"name": n, "shape": list(a.shape), "dtype": str(a.dtype)} for n, a in weights.items()
    ]
    data = b"".join(a.tobytes() for a in weights.values())
    (folder / "a.bin").write_bytes(data[:10])
    (folder / "b.bin").write_bytes(data[10:])
    model = {
        "modelTopology": {"node": nodes},
        "weightsManifest": [{"paths": ["a.bin", "b.bin"], "weights": manifest}],
    }
    file = folder / "model.json"
    file.write_text(json.dumps(model))
    return file, len(data) + file.stat().st_size


def test_tfjs_follows_shapes_through_a_small_net(tmp_path: Path) -> None:
    nodes, weights = tfjs_net()
    file, size_bytes = tfjs_model(tmp_path, nodes, weights)
    found = inspect_file(file)
    assert {o.name: o.macs for o in found.ops if o.macs} == {
        "Conv2D": 4 * 4 * 4 * 18,  # 8x8 at stride 2
        "DepthwiseConv2dNative": 2 * 2 * 8 * 9,
        "MatMul": 8 * 5,
    }
    assert found.unknown_macs == ()
    assert found.size_bytes == size_bytes

    (pad,) = (n for n in nodes if n["op"] == "Pad")
    pad["op"] = "Mystery"  # behind it, no shape is known
    unknown = inspect_file(tfjs_model(tmp_path, nodes, weights)[0]).unknown_macs
    assert unknown == ("Conv2D", "DepthwiseConv2dNative", "MatMul")


def test_weights_that_are_missing_or_elsewhere_are_said(tmp_path: Path) -> None:
    shutil.copy(MODELS / "plain" / "model.json", tmp_path)
    with pytest.raises(BadInput, match=r"missing beside it: weights\.bin"):
        inspect_file(tmp_path / "model.json")
    text = (tmp_path / "model.json").read_text()
    (tmp_path / "model.json").write_text(text.replace("weights.bin", "../weights.bin"))
    with pytest.raises(BadInput, match="outside its folder"):
        inspect_file(tmp_path / "model.json")


def test_a_folder_is_a_table_of_its_artifacts(tmp_path: Path, capsys) -> None:  # type: ignore[no-untyped-def]
    for name in ("tflite-float32", "tfjs-float32"):
        folder = tmp_path / "artifacts" / name
        shutil.copytree(MODELS / "contract", folder)
        (folder / "model.onnx").unlink()
        (folder / ("model.json" if "tflite" in name else "model.tflite")).unlink()
    assert main(["inspect", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert [line.split()[0] for line in out.splitlines()] == [
        "artifact",
        "tfjs-float32",
        "tflite-float32",
    ]
    (tmp_path / "artifacts" / "tfjs-float32" / "model.json").write_text("{")
    assert main(["inspect", str(tmp_path)]) == 3
    assert "tfjs-float32: error: " in capsys.readouterr().out
    rows = inspect(tmp_path)
    assert not isinstance(rows, Inspection)
    assert [(row.name, bool(row.error)) for row in rows] == [
        ("tfjs-float32", True),
        ("tflite-float32", False),
    ]


def test_the_zipped_size_of_a_record_is_taken_while_it_fits(tmp_path: Path) -> None:
    shutil.copy(MODELS / "contract" / "model.tflite", tmp_path)
    file = tmp_path / "model.tflite"
    zipped = inspect_file(file).zipped_bytes
    artifact = Artifact(
        name="tflite-float32",
        format="tflite",
        scheme="float32",
        file=file.name,
        size_bytes=file.stat().st_size,
        zipped_bytes=4321,
        sha256="",
        build_key="",
        source_sha256="",
        verified="",
        max_error=None,
        golden="none",
        batch=1,
    )
    (tmp_path / "artifact.json").write_text(to_json(artifact))
    assert inspect_file(file).zipped_bytes == 4321
    file.write_bytes(file.read_bytes() + b"\0")
    assert abs(inspect_file(file).zipped_bytes - zipped) < 10


def test_the_words_of_one_file(capsys) -> None:  # type: ignore[no-untyped-def]
    assert main(["inspect", str(MODELS / "contract" / "model.tflite")]) == 0
    lines = capsys.readouterr().out.splitlines()
    shown = [line.split(None, 1) for line in lines[1:]]
    facts = {words[0]: words[1] for words in shown if len(words) == 2}
    assert facts["parameters"] == "12 (12 float32)"
    assert facts["contract"] == "scheme float32, batch dynamic, schema 1"
    assert facts["labels"] == "3: null, eins, zwei ü"
    assert lines[-1].split() == ["FULLY_CONNECTED", "float32", "1", "12"]


def test_json_holds_all_of_it(capsys) -> None:  # type: ignore[no-untyped-def]
    assert main(["inspect", "--json", str(MODELS / "contract" / "model.onnx")]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["macs"], found["ops"][0]["name"]) == (12, "MatMul")
    assert found["contract"]["labels"] == ["null", "eins", "zwei ü"]


def test_names_of_a_file_do_not_steer_the_terminal(tmp_path: Path, capsys) -> None:  # type: ignore[no-untyped-def]
    text = (MODELS / "plain" / "model.json").read_text().replace("by hand", "\\u001b[2J\\ud800")
    (tmp_path / "model.json").write_text(text)
    shutil.copy(MODELS / "plain" / "weights.bin", tmp_path)
    assert main(["inspect", str(tmp_path / "model.json")]) == 0
    assert "\x1b" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("model.keras", b"", "cannot inspect .keras"),
        ("m.tflite", b"not one, in words", "not a TFLite file"),
        ("m.onnx", b"\x3a\x04\xff\xff\xff\xff", "truncated or corrupt"),
        ("model.json", b'{"modelTopology": {}}', "no nodes and no layers"),
    ],
)
def test_bad_files_are_one_line(  # type: ignore[no-untyped-def]
    name: str, content: bytes, said: str, tmp_path: Path, capsys
) -> None:
    (tmp_path / name).write_bytes(content)
    assert main(["inspect", str(tmp_path / name)]) == 2
    error = capsys.readouterr().err
    assert said in error and error.count("\n") == 1
    assert main(["inspect", str(tmp_path / "absent.tflite")]) == 2


def test_a_folder_without_artifacts_says_what_is_known(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"no artifact in it; known: \.tflite"):
        inspect(tmp_path)


@pytest.mark.parametrize("name", NAMES)
def test_wounded_files_give_an_answer_or_one_error(name: str, tmp_path: Path) -> None:
    shutil.copy(MODELS / "contract" / "weights.bin", tmp_path)
    kept = (MODELS / "contract" / name).read_bytes()
    choose = random.Random(3)
    for _ in range(1500):
        data = bytearray(kept)
        for _ in range(choose.randrange(1, 6)):
            place = choose.randrange(len(data))
            data[place : place + choose.randrange(4)] = choose.randbytes(choose.randrange(1, 4))
        (tmp_path / name).write_bytes(bytes(data))
        try:
            inspect_file(tmp_path / name)
        except BadInput as e:
            assert "\n" not in str(e)


# published: 2.7 M (DS-CNN), 12.5 M (ResNet8), 7.5 M (VWW), 0.264 M (the autoencoder)
@pytest.mark.parametrize(
    ("name", "macs", "integer"),
    [
        ("mlperf_tiny/kws_ref_model.tflite", 2_656_768, 13),
        ("mlperf_tiny/pretrainedResnet_quant.tflite", 12_501_632, 16),
        ("mlperf_tiny/pretrainedResnet.tflite", 12_501_632, 0),
        ("mlperf_tiny/vww_96_int8.tflite", 7_489_664, 31),
        ("mlperf_tiny/ad01_int8.tflite", 264_192, 10),
    ],
)
def test_files_of_mlperf(name: str, macs: int, integer: int, real) -> None:  # type: ignore[no-untyped-def]
    found = inspect_file(real(name))
    assert (found.macs, found.unknown_macs, found.contract) == (macs, (), None)
    assert sum(op.count for op in found.ops if op.precision == "int8") == integer


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("bad_quantized_dimension", "malformed: tensor 'MobilenetV1/MobilenetV1/Conv2d_0/"),
        ("custom_op", "needs ops that plain runtimes do not have: custom:fake-op-double"),
        ("signal_window_custom_op", "custom:SignalWindow"),
    ],
)
def test_files_that_no_runtime_takes(name: str, said: str, real) -> None:  # type: ignore[no-untyped-def]
    found = inspect_file(real(f"must_fail/{name}.tflite"))
    assert any(said in warning for warning in found.warnings)

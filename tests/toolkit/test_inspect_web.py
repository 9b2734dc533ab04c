"""What inspect says of browsers: which runtimes take a file, and what its transfer costs."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import brotli
import numpy as np
import pytest

from edgewright.cli import main
from edgewright.inspection.web import onnx_runtimes, tflite_runtimes
from edgewright.targets.web.runtimes import takers
from edgewright.verbs.inspect import inspect_file
from edgewright_runtimes.records import TensorSpec

MODELS = Path(__file__).parents[1] / "runtimes" / "models"
ORT = ["ort-web-wasm", "ort-web-webgpu"]
EDGES = "only float32, int32, int8, uint8 are taken"
LITERT = ["litertjs-wasm", "litertjs-webgpu"]


def spec(dtype: str = "float32", batch: int | None = 1) -> TensorSpec:
    return TensorSpec(name="x", dtype=dtype, shape=(batch, 4))


@pytest.mark.parametrize(
    ("domains", "opsets", "ir_version", "said"),
    [
        ({"", "com.microsoft", "ai.onnx.ml"}, {"": 26, "com.microsoft": 1}, 13, ""),
        ({"", "my.own"}, {"": 17, "my.own": 1}, 8, "no ops of the domain my.own"),
        ({"ai.onnx"}, {"ai.onnx": 27}, 8, "opset 27 is above 26"),
        ({""}, {"": 17}, 14, "IR version 14 is above 13"),
    ],
)
def test_onnx_runtime_web(
    domains: set[str], opsets: dict[str, int], ir_version: int, said: str
) -> None:
    assert onnx_runtimes(domains, opsets, ir_version) == dict.fromkeys(ORT, said)


@pytest.mark.parametrize(
    ("inputs", "outputs", "custom", "said"),
    [
        ([spec()], [spec(), spec("int32")], [], ""),
        ([spec("int64")], [spec()], [], f"input 'x' is int64: {EDGES}"),
        ([spec()], [spec("bool")], [], f"output 'x' is bool: {EDGES}"),
        ([spec(batch=None)], [spec()], [], "'x' has a free dimension: convert it with --batch 1"),
        ([spec()], [spec()], ["FlexErfinv"], "no op FlexErfinv"),
    ],
)
def test_litert_js(inputs: Any, outputs: Any, custom: list[str], said: str) -> None:
    got = tflite_runtimes(inputs, outputs, custom)
    assert list(got) == LITERT
    assert all(why.endswith(said) and bool(why) == bool(said) for why in got.values())


def test_litert_js_takes_8_bits_at_the_edge_without_webgpu() -> None:
    got = tflite_runtimes([spec("int8")], [spec("uint8")], [])
    assert got["litertjs-wasm"] == ""
    only = "only float32, int32 are taken"
    assert got["litertjs-webgpu"] == f"input 'x' is int8: {only}; output 'x' is uint8: {only}"


@pytest.mark.parametrize("name", ["model.tflite", "model.onnx", "model.json"])
def test_each_format_is_told_of_its_own_runtimes(name: str) -> None:
    found = inspect_file(MODELS / "plain" / name)
    assert tuple(found.web_runtimes) == takers(found.format)  # type: ignore[arg-type]
    free = "input 'x' has a free dimension: convert it with --batch 1"
    assert set(found.web_runtimes.values()) == {free if name == "model.tflite" else ""}


def graph(folder: Path, nodes: list[dict[str, Any]], library: Any = None, **weights: Any) -> Path:
    """A graph model with its weights in one shard."""
    entries = [
        {"name": n, "shape": list(a.shape), "dtype": str(a.dtype)} for n, a in weights.items()
    ]
    topology: dict[str, Any] = {"node": nodes}
    if library:
        topology["library"] = {"function": library}
    model = {
        "format": "graph-model",
        "modelTopology": topology,
        "weightsManifest": [{"paths": ["w.bin"], "weights": entries}],
    }
    (folder / "w.bin").write_bytes(b"".join(a.tobytes() for a in weights.values()))
    (folder / "model.json").write_text(json.dumps(model))
    return folder / "model.json"


def node(name: str, op: str, *inputs: str, **attributes: Any) -> dict[str, Any]:
    return {"name": name, "op": op, "input": list(inputs), "attr": attributes}


def text(word: str) -> dict[str, str]:
    return {"s": base64.b64encode(word.encode()).decode()}


def test_a_kernel_that_wasm_lacks_is_named(tmp_path: Path) -> None:
    file = graph(tmp_path, [node("y", "Einsum", "x", "x", equation=text("ab,cb->ac"))])
    assert inspect_file(file).web_runtimes == {
        "tfjs-cpu": "",
        "tfjs-wasm": "no kernel for op Einsum",
        "tfjs-webgl": "",
        "tfjs-webgpu": "",
    }


def test_the_bodies_of_loops_are_looked_at_too(tmp_path: Path) -> None:
    body = {"signature": {"name": "body"}, "nodeDef": [node("f", "FFT", "x")]}
    file = graph(tmp_path, [node("y", "While", "x")], [body])
    assert inspect_file(file).web_runtimes["tfjs-wasm"] == "no kernel for op FFT"


def slice_of(folder: Path, *strides: int) -> dict[str, str]:
    limits = {name: np.zeros(2, np.int32) for name in ("b", "e")}
    nodes = [node("y", "StridedSlice", "x", "b:0", "e:0", "s:0", shrink_axis_mask={"i": "2"})]
    file = graph(folder, nodes, **limits, s=np.array(strides, np.int32))
    return dict(inspect_file(file).web_runtimes)


def test_what_gives_wrong_numbers_is_told_from_the_numbers_in_the_shards(tmp_path: Path) -> None:
    wrong = "op StridedSlice with a stride and an axis taken out: wrong numbers"
    assert set(slice_of(tmp_path, 2, 1).values()) == {wrong}
    assert set(slice_of(tmp_path, 1, 1).values()) == {""}


@pytest.mark.parametrize(
    ("op", "attributes", "failing"),
    [
        ("Cast", {"SrcT": {"type": "DT_FLOAT"}, "DstT": {"type": "DT_BOOL"}}, ["tfjs-wasm"]),
        ("Cast", {"SrcT": {"type": 1}, "DstT": {"type": 10}}, ["tfjs-wasm"]),
        ("Cast", {"SrcT": {"type": "DT_FLOAT"}, "DstT": {"type": "DT_INT32"}}, []),
        ("DenseBincount", {"binary_output": {"b": True}}, ["tfjs-webgpu"]),
        (
            "FusedDepthwiseConv2dNative",
            {"fused_ops": {"list": {"s": [text("BiasAdd")["s"], text("LeakyRelu")["s"]]}}},
            list(takers("tfjs")),
        ),
        ("Conv2DBackpropInput", {"dilations": {"list": {"i": ["1", "2", "2", "1"]}}},
         list(takers("tfjs"))),
        ("MatrixBandPart", {}, []),  # malformed: its inputs are missing, and nothing is known
        ("Mystery", {}, list(takers("tfjs"))),
    ],
)  # fmt: skip
def test_attributes_are_read_as_json_has_them(
    op: str, attributes: dict[str, Any], failing: list[str], tmp_path: Path
) -> None:
    found = inspect_file(graph(tmp_path, [node("y", op, "x", **attributes)]))
    assert [name for name, why in found.web_runtimes.items() if why] == failing


def test_a_layers_model_runs_in_no_page(tmp_path: Path) -> None:
    layer = {"class_name": "Dense", "config": {"name": "d"}}
    model = {"modelTopology": {"model_config": {"config": {"layers": [layer]}}}}
    (tmp_path / "model.json").write_text(json.dumps(model))
    assert all(
        "a layers model" in why
        for why in inspect_file(tmp_path / "model.json").web_runtimes.values()
    )


def test_the_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = graph(tmp_path, [node("y", "FFT", "x")])
    assert main(["inspect", str(file)]) == 0
    lines = [line.strip() for line in capsys.readouterr().out.splitlines()]
    at = lines.index("in a browser   tfjs-cpu, tfjs-webgl, tfjs-webgpu")
    assert lines[at + 1] == "not tfjs-wasm: no kernel for op FFT"
    assert main(["inspect", str(MODELS / "plain" / "model.tflite")]) == 0
    said = capsys.readouterr().out
    assert "in a browser   no runtime takes it" in said
    assert "not litertjs-wasm, litertjs-webgpu: input 'x' has a free dimension" in said


@pytest.mark.parametrize("name", ["model.tflite", "model.json"])
def test_brotli_is_what_a_server_sends(name: str) -> None:
    folder = MODELS / "contract"
    files = [folder / name] + ([folder / "weights.bin"] if name == "model.json" else [])
    packed = [brotli.compress(file.read_bytes(), quality=5) for file in files]
    assert inspect_file(folder / name).brotli_bytes == sum(map(len, packed))


def test_quantized_weights_of_tfjs_are_said_to_be_storage(tmp_path: Path) -> None:
    file = graph(tmp_path, [node("w", "Const"), node("y", "Relu", "w")], w=np.zeros(4, np.uint8))
    model = json.loads(file.read_text())
    [entry] = model["weightsManifest"][0]["weights"]
    entry |= {"dtype": "float32", "quantization": {"dtype": "uint8", "scale": 0.5, "min": 0}}
    file.write_text(json.dumps(model))
    facts = inspect_file(file).facts
    assert facts["weights"] == "uint8 is storage only: TF.js computes in float32"
    assert "weights" not in inspect_file(MODELS / "plain" / "model.json").facts

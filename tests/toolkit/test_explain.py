"""``explain``: profiles of small files, and each rule on a profile made for it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from edgewright.cli import main
from edgewright.explanations.onnx import profile as profile_onnx
from edgewright.explanations.profile import Op, Profile
from edgewright.explanations.rules import Finding, Machine, explain_profile
from edgewright.explanations.tflite import profile as profile_tflite
from edgewright.verbs.explain import explain, find_file
from edgewright_runtimes.errors import ArtifactError, BadInput

MODELS = Path(__file__).parents[1] / "models"
AVX512 = Machine(features=frozenset({"avx2", "avx512f", "avx512_vnni"}), cores=2)
OLD = Machine(features=frozenset({"avx2"}), cores=1)


def op(name: str, **fields: Any) -> Op:
    usual = {"precision": "int8", "macs": 1_000_000, "channels": 32, "inside": "XNNPACK"}
    return Op(op=name, **{"name": "y", "layer": "conv", "ns": 1000.0, **usual, **fields})


def found(*ops: Op, machine: Machine = AVX512, **fields: Any) -> tuple[Finding, ...]:
    usual: dict[str, Any] = {
        "format": "tflite",
        "whole_ns": 10_000.0,
        "threads": 1,
        "runtime": "litert",
        "delegate": "XNNPACK",
        "how": "",
    }
    return explain_profile(Profile(ops=ops, **{**usual, **fields}), machine)


def rules(findings: tuple[Finding, ...]) -> list[str]:
    return [finding.rule for finding in findings]


def test_a_healthy_model_has_no_reason() -> None:
    assert found(op("CONV_2D"), op("QUANTIZE", precision="conversion", macs=0, edge=True)) == ()


def test_floats_in_an_integer_model() -> None:
    (finding,) = found(op("CONV_2D"), op("CONV_2D", precision="float32", layer="bad", ns=3000.0))
    assert (finding.rule, finding.op, finding.layer) == ("float fallback", "CONV_2D", "bad")
    assert finding.share == pytest.approx(0.75)
    assert rules(found(op("CONV_2D", precision="float32"))) == []  # a float model is no fallback


def test_conversions_inside_and_at_the_edge() -> None:
    inside = op("DEQUANTIZE", precision="conversion", macs=0)
    assert rules(found(op("CONV_2D"), inside)) == ["conversion inside"]


def test_moves_count_where_they_take_time() -> None:
    move = op("TRANSPOSE", macs=0, ns=100.0)
    assert rules(found(op("CONV_2D"), move)) == ["data movement"]
    assert rules(found(op("CONV_2D", ns=1e6), move)) == []


def test_small_layers() -> None:
    assert rules(found(op("FULLY_CONNECTED", macs=640))) == ["too small to pay"]


def test_lanes_depend_on_the_processor() -> None:
    (finding,) = found(op("CONV_2D", channels=24))
    assert finding.rule == "lanes wasted"
    assert "24 channels on 16 lanes: 25% of the lanes idle" in finding.why
    assert "16 or 32" in finding.do
    assert "lanes wasted" not in rules(found(op("CONV_2D", channels=24), machine=OLD))


def test_sparse_weights() -> None:
    assert rules(found(op("CONV_2D", zeros=0.5))) == ["sparse for nothing"]
    assert rules(found(op("CONV_2D", zeros=0.1))) == []


def test_what_the_delegate_leaves_out() -> None:
    (finding,) = found(op("CONV_2D"), op("SOFTMAX", macs=0, inside="", layer="head"))
    assert (finding.rule, finding.op, finding.layer) == ("outside the delegate", "SOFTMAX", "head")
    assert rules(found(op("CONV_2D"), delegate="none")) == ["no delegate"]


def test_a_processor_without_dot_product() -> None:
    assert rules(found(op("CONV_2D"), machine=OLD)) == ["no dot product"]
    assert rules(found(op("CONV_2D", precision="float32"), machine=OLD)) == []


def test_threads() -> None:
    assert rules(found(op("CONV_2D"), threads=4)) == ["threads"]
    assert rules(found(op("CONV_2D"), whole_ns=5e6)) == ["threads"]


def test_many_of_one_rule_are_counted_together() -> None:
    small = [op("FULLY_CONNECTED", macs=640, layer=f"d{i}", ns=1000.0 + i) for i in range(9)]
    findings = found(*small)
    assert len(findings) == 5
    more = next(f for f in findings if f.op == "5 more")
    assert more.why == "d4, d3, d2, d1, d0"
    assert sum(f.share or 0 for f in findings) == pytest.approx(1)


def test_without_times_shares_are_of_the_work() -> None:
    (finding,) = found(op("CONV_2D", ns=None), op("CONV_2D", ns=None, macs=3_000_000, zeros=0.9))
    assert finding.share == pytest.approx(0.75)


@pytest.mark.parametrize("name", ["conv_int8_io.tflite", "dense.tflite", "lstm.tflite"])
def test_every_operator_of_a_tflite_file_is_timed(name: str) -> None:
    profile = profile_tflite(MODELS / name, 1)
    assert profile.measured
    assert profile.whole_ns is not None and profile.whole_ns > 0
    timed = [one for one in profile.ops if one.ns is not None]
    assert all(one.ns > 0 for one in timed if one.ns is not None)
    assert len(timed) == len(profile.ops) or name == "lstm.tflite"  # it keeps a state
    assert sum(profile.share(one) or 0 for one in profile.ops) == pytest.approx(1)


@pytest.mark.parametrize("name", ["dense.onnx", "half.onnx"])
def test_every_node_that_runs_is_timed(name: str) -> None:
    profile = profile_onnx(MODELS / name, 1)
    assert profile.ops and all(one.ns is not None for one in profile.ops)
    assert sum(profile.share(one) or 0 for one in profile.ops) == pytest.approx(1)


def test_an_integer_file_says_so() -> None:
    profile = profile_tflite(MODELS / "conv_int8_io.tflite", 1)
    assert {one.precision for one in profile.ops} == {"int8"}
    assert profile.delegate.startswith("XNNPACK")


def test_the_artifact_of_a_bundle(tmp_path: Path) -> None:
    folder = tmp_path / "b.edgewright" / "artifacts" / "tflite-int8"
    folder.mkdir(parents=True)
    (folder / "model.tflite").write_bytes(b"not opened")
    assert find_file(tmp_path / "b.edgewright" / "tflite-int8") == folder / "model.tflite"
    assert find_file(folder) == folder / "model.tflite"
    with pytest.raises(BadInput, match="tflite-int8"):
        find_file(tmp_path / "b.edgewright")


def test_text_on_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", str(MODELS / "dense.tflite")]) == 0
    assert "too small to pay: FULLY_CONNECTED" in capsys.readouterr().out


def test_json_on_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", str(MODELS / "dense.onnx"), "--json"]) == 0
    plain = json.loads(capsys.readouterr().out)
    assert plain["measured"] and plain["ops"][0]["share"] > 0


def test_files_that_are_no_models(tmp_path: Path) -> None:
    for name, words in (("gone.tflite", "no .tflite or .onnx file"), ("x.h5", "can be explained")):
        path = tmp_path / name
        if name != "gone.tflite":
            path.write_bytes(b"x")
        with pytest.raises(BadInput, match=words):
            explain(path)
    broken = tmp_path / "broken.tflite"
    broken.write_bytes((MODELS / "dense.tflite").read_bytes()[:200])
    with pytest.raises(ArtifactError, match="can't be profiled"):
        explain(broken)

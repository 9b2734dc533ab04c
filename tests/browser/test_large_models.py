"""Memory in a browser: a large model runs or says why not; one that asks for too much says so."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from tests.browser.conftest import require_browser
from tests.toolkit.bench_bundle import make_artifact

from edgewright.bundle import Bundle
from edgewright.verbs.bench import BenchResult, bench

LARGE_INPUTS, LARGE_OUTPUTS = 7_000, 7_500  # 210 MB of weights
# Of one array: it has a size in 32 bits, and no room in them beside anything else
TOO_MANY = 2**30 - 200_000


def write(path: Path, nodes: list[onnx.NodeProto], width: int, **constants: np.ndarray) -> None:
    """A model from ``x`` [1, width] to ``y``."""
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, width])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [None, None])
    arrays = [numpy_helper.from_array(array, name) for name, array in constants.items()]
    graph = helper.make_graph(nodes, "g", [x], [y], arrays)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path.write_bytes(model.SerializeToString())


def large(path: Path) -> None:
    rng = np.random.default_rng(1)
    w = rng.random((LARGE_INPUTS, LARGE_OUTPUTS), np.float32)
    write(path, [helper.make_node("MatMul", ["x", "w"], ["y"])], LARGE_INPUTS, w=w)


def greedy(path: Path) -> None:
    """A few hundred bytes that want more memory for what they compute than WebAssembly can have."""
    nodes = [
        helper.make_node("Expand", ["x", "shape"], ["wide"]),
        helper.make_node("ReduceMean", ["wide"], ["y"], axes=[0], keepdims=1),
    ]
    write(path, nodes, 1, shape=np.array([TOO_MANY, 1], np.int64))


def small(path: Path) -> None:
    write(path, [helper.make_node("Relu", ["x"], ["y"])], 4)


def timed(folder: Path, first: str) -> BenchResult:
    """The model ``first`` and then the small one, without goldens, a round each."""
    bundle = Bundle.create(folder / "bundle")
    for scheme, make in ((first, large if first == "float32" else greedy), ("int8", small)):
        built = bundle.work_folder() / scheme
        built.mkdir()
        make(built / "model.onnx")
        bundle.add_artifact(make_artifact("onnx", scheme, built / "model.onnx"), built)
    return bench(
        bundle.path,
        target=f"browser:{require_browser('chromium')}",
        runtimes=["ort-web-wasm"],
        preset="smoke",
        seconds=0.2,
        rounds=1,
        limit_seconds=400,
    )


@pytest.mark.slow
def test_a_model_of_210_mb_runs_or_says_why_not(tmp_path: Path) -> None:
    done = timed(tmp_path, "float32")
    assert "onnx-int8" in {row.artifact for row in done.rows}, "the sweep went on"
    if done.failures:
        (failure,) = done.failures
        assert failure.artifact == "onnx-float32"
        assert "memory" in failure.error + failure.hint
    else:
        (row,) = (row for row in done.rows if row.artifact == "onnx-float32")
        assert row.load_ns > 0


@pytest.mark.slow
def test_memory_that_is_used_up_is_a_failure_row(tmp_path: Path) -> None:
    done = timed(tmp_path, "float16")
    (failure,) = done.failures
    assert (failure.artifact, failure.stage) == ("onnx-float16", "run")
    assert "does not fit into the browser's memory" in failure.hint, failure
    assert "onnx-int8" in {row.artifact for row in done.rows}, "the sweep went on"

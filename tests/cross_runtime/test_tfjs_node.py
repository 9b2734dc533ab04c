"""What we write, under @tensorflow/tfjs in node; and beside what the package writes."""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.converters.nets import NETS, build, feeds_for
from tests.converters.rewritten import REWRITTEN, build_rewritten
from tests.cross_runtime import tfjs_peers as peers

from edgewright_converters.formats import tfjs
from edgewright_converters.formats.format import WriteRequest
from edgewright_converters.tfjs_graph.kernels import missing_kernels, tfjs_version
from edgewright_runtimes.records import Variant

TOLERANCE = 1e-5
QUICK = ("attention", "batch_norm", "several", "stacked")
QUICK_REWRITTEN = ("causal attention", "leaky depthwise", "one hot", "slice taken out", "truths")
BACKENDS = ("cpu", "wasm")  # those that node has
# What the package can not convert, or converts into what TF.js does not run, and the reason.
PACKAGE_FAILS = {
    "exact_gelu": "Erfc",
    "separable": "Activation tanh has not been implemented",
    "stacked": "Cannot read properties of undefined",
}
MORE_NODES = ("attention",)  # each Einsum of the package's is transposes and a product in ours
REAL = {
    "ResNet8": "mlperf_tiny/pretrainedResnet.h5",
    "DS-CNN": "mlperf_tiny/kws_ref_model",
    "VWW": "mlperf_tiny/vww_96.h5",
    "hand gesture": "hand_gesture/keypoint_classifier.hdf5",
}

needs_node = pytest.mark.skipif(not peers.node_is_there(), reason=peers.NO_NODE)
needs_oracle = pytest.mark.skipif(peers.oracle_python() is None, reason=peers.NO_ORACLE)


def write(source: Any, folder: Path, scheme: str = "float32") -> None:
    variant = Variant(format="tfjs", scheme=scheme)
    tfjs.write(source, WriteRequest(variant=variant, batch=None), folder)


def check_against_sources(nets: dict[str, Any], work: Path) -> None:
    """On both backends, and with no kernel that the lists do not have for the graph's ops."""
    feeds = {name: feeds_for(source) for name, source in nets.items()}
    for name, source in nets.items():
        write(source, work / name)
    for backend in BACKENDS:
        jobs = [(work / name, feeds[name]) for name in nets]
        ran = peers.run_in_node(jobs, work / backend, backend=backend)
        for (name, source), result in zip(nets.items(), ran, strict=True):
            assert not result.error, f"{name} on {backend}: {result.error}"
            difference = peers.largest_difference(result.outputs, source.predict(feeds[name]))
            assert difference < TOLERANCE, f"{name} on {backend}"
            assert result.kernels and result.kernels <= kernels_of(work / name), name


def kernels_of(folder: Path) -> set[str]:
    table = stored_kernels()["ops"]
    topology = json.loads((folder / "model.json").read_text())["modelTopology"]
    nodes = [*topology["node"]]
    for function in topology.get("library", {}).get("function", []):
        nodes += function["nodeDef"]
    return {kernel for node in nodes for kernel in table[node["op"]]}


def stored_kernels() -> dict[str, Any]:
    text = files("edgewright_converters.tfjs_graph").joinpath("kernels.json").read_text("utf-8")
    stored: dict[str, Any] = json.loads(text)
    return stored


@needs_node
def test_tfjs_computes_what_the_source_does(tmp_path: Path) -> None:
    check_against_sources({name: build(name) for name in QUICK}, tmp_path)


@needs_node
def test_tfjs_computes_what_rewritten_sources_do(tmp_path: Path) -> None:
    nets = {name: build_rewritten(name)[0] for name in QUICK_REWRITTEN}
    check_against_sources(nets, tmp_path)


@needs_node
def test_a_kernel_that_is_not_there_is_told_before_it_fails(tmp_path: Path) -> None:
    """The list says which op fails on wasm, and TF.js says so too; a graph model as others write
    it, since ours has no such op left."""
    shape = {"shape": {"dim": [{"size": "2"}, {"size": "3"}]}}
    equation = {"s": base64.b64encode(b"ab,cb->ac").decode()}
    floats = {"type": "DT_FLOAT"}
    nodes = [
        {"name": "x", "op": "Placeholder", "attr": {"dtype": floats, "shape": shape}},
        {"name": "y", "op": "Einsum", "input": ["x", "x"], "attr": {"equation": equation}},
    ]
    signature = {edge: {n: {"name": f"{n}:0"}} for edge, n in (("inputs", "x"), ("outputs", "y"))}
    model = {
        "format": "graph-model",
        "signature": signature,
        "modelTopology": {"node": nodes, "versions": {"producer": 1}},
        "weightsManifest": [{"paths": ["none.bin"], "weights": []}],
    }
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "model.json").write_text(json.dumps(model))
    (tmp_path / "model" / "none.bin").write_bytes(b"")
    job = (tmp_path / "model", {"x": np.ones((2, 3), np.float32)})
    [on_cpu] = peers.run_in_node([job], tmp_path / "cpu")
    [on_wasm] = peers.run_in_node([job], tmp_path / "wasm", backend="wasm")
    assert not on_cpu.error
    assert on_cpu.outputs["y"].tolist() == [[3, 3], [3, 3]]
    assert "Kernel 'Einsum' not registered for backend 'wasm'" in on_wasm.error
    assert missing_kernels("Einsum") == {"wasm": ("Einsum",)}


@needs_node
@pytest.mark.parametrize("scheme", ["float16", "uint8", "uint16"])
def test_tfjs_dequantizes_as_the_rebuilt_graph_does(scheme: str, tmp_path: Path) -> None:
    from edgewright_converters.tfjs_graph import rebuild

    source = build("tanh_gelu")
    feeds = feeds_for(source)
    write(source, tmp_path / scheme, scheme)
    [ran] = peers.run_in_node([(tmp_path / scheme, feeds)], tmp_path / "node")
    rebuilt = rebuild(tmp_path / scheme)(feeds)
    assert peers.largest_difference(ran.outputs, rebuilt) < TOLERANCE


@needs_node
def test_the_lists_are_those_of_the_pinned_packages() -> None:
    command = ["node", str(peers.JS / "list_kernels.mjs")]
    printed = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
    assert json.loads(printed) == stored_kernels()
    assert set(stored_kernels()["versions"].values()) == {tfjs_version()}


@pytest.mark.slow
@needs_node
def test_tfjs_computes_what_every_source_does(tmp_path: Path) -> None:
    check_against_sources({n: build(n) for n in NETS if n not in QUICK}, tmp_path)


@pytest.mark.slow
@needs_node
def test_tfjs_computes_what_every_rewritten_source_does(tmp_path: Path) -> None:
    names = [name for name in REWRITTEN if name not in QUICK_REWRITTEN]
    check_against_sources({name: build_rewritten(name)[0] for name in names}, tmp_path)


@pytest.mark.slow
@needs_node
@needs_oracle
def test_both_writers_agree_and_ours_needs_no_more_nodes(tmp_path: Path) -> None:
    compare_with_oracle({name: build(name) for name in NETS}, tmp_path)


@pytest.mark.slow
@needs_node
@needs_oracle
def test_both_writers_agree_on_the_real_models(real: Callable[[str], Path], tmp_path: Path) -> None:
    from edgewright_converters.sources.reading import open_source

    compare_with_oracle({name: open_source(real(path)) for name, path in REAL.items()}, tmp_path)


def compare_with_oracle(nets: dict[str, Any], work: Path) -> None:
    feeds = {name: feeds_for(source) for name, source in nets.items()}
    for name, source in nets.items():
        write(source, work / "ours" / name)
        peers.save_for_oracle(source, work / "saved" / name)
    theirs = [work / "theirs" / name for name in nets]
    converted = peers.convert_with_oracle(
        list(zip((work / "saved" / name for name in nets), theirs, strict=True)), work
    )
    for (name, feed), folder, result in zip(feeds.items(), theirs, converted, strict=True):
        if "error" in result:
            assert PACKAGE_FAILS.get(name, "nothing") in result["error"], result["error"]
            continue
        if name not in MORE_NODES:
            assert peers.count_nodes(work / "ours" / name) <= peers.count_nodes(folder), name
        ours, oracle = peers.run_in_node(
            [(work / "ours" / name, feed), (folder, peers.oracle_feeds(folder, feed))],
            work / "node" / name,
        )
        assert not ours.error, f"{name}: {ours.error}"
        if oracle.error:
            assert PACKAGE_FAILS.get(name, "nothing") in oracle.error, oracle.error
            continue
        named = peers.oracle_outputs(folder, oracle.outputs, list(ours.outputs))
        assert peers.largest_difference(ours.outputs, named) < TOLERANCE, name

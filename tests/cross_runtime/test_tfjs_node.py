"""What we write, under @tensorflow/tfjs in node; and beside what the package writes."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from tests.converters.nets import NETS, build, feeds_for
from tests.cross_runtime import tfjs_peers as peers

from edgewright_converters.formats import tfjs
from edgewright_converters.formats.format import WriteRequest
from edgewright_runtimes.records import Variant

TOLERANCE = 1e-5
QUICK = ("batch_norm", "several", "stacked")
# What the package can not convert, or converts into what TF.js does not run, and the reason.
PACKAGE_FAILS = {
    "exact_gelu": "Erfc",
    "separable": "Activation tanh has not been implemented",
    "stacked": "Cannot read properties of undefined",
}
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
    feeds = {name: feeds_for(source) for name, source in nets.items()}
    for name, source in nets.items():
        write(source, work / name)
    ran = peers.run_in_node([(work / name, feeds[name]) for name in nets], work / "node")
    for (name, source), result in zip(nets.items(), ran, strict=True):
        assert not result.error, f"{name}: {result.error}"
        difference = peers.largest_difference(result.outputs, source.predict(feeds[name]))
        assert difference < TOLERANCE, name


@needs_node
def test_tfjs_computes_what_the_source_does(tmp_path: Path) -> None:
    check_against_sources({name: build(name) for name in QUICK}, tmp_path)


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
def test_the_list_of_ops_is_that_of_the_pinned_package() -> None:
    command = ["node", str(peers.JS / "list_graph_ops.mjs")]
    printed = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
    stored = files("edgewright_converters.tfjs_graph").joinpath("ops.json").read_text("utf-8")
    assert json.loads(printed) == json.loads(stored)


@pytest.mark.slow
@needs_node
def test_tfjs_computes_what_every_source_does(tmp_path: Path) -> None:
    check_against_sources({n: build(n) for n in NETS if n not in QUICK}, tmp_path)


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

"""TensorFlow.js layers models, written by the package ``tensorflowjs`` and read by our source.

Both run in the oracle's environment: the package cannot live beside the TensorFlow of ours.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from tests.cross_runtime import tfjs_peers as peers

import edgewright_converters
import edgewright_runtimes

SCRIPT = Path(__file__).with_name("tfjs_layers_script.py")
OURS = [Path(str(p.__file__)).parents[1] for p in (edgewright_converters, edgewright_runtimes)]
TOLERANCE = 1e-6
SIGNATURES = {
    "image": (["image"], ["kind"]),
    "recurrent": (["steps"], ["next"]),
    "several": (["left", "right"], ["first", "second"]),
    "sequential": (["x"], ["dense_2"]),
    "operations": (["x"], ["tf_math_reduce_mean"]),
}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(peers.oracle_python() is None, reason=peers.NO_ORACLE),
]


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("layers")
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}
    env = {**os.environ, **quiet, "PYTHONPATH": os.pathsep.join(map(str, OURS))}
    command = [str(peers.oracle_python()), str(SCRIPT), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, env=env)
    assert done.returncode == 0, done.stderr[-2000:]
    return dict(json.loads((folder / "results.json").read_text()))


@pytest.mark.parametrize("net", SIGNATURES)
def test_a_layers_model_answers_as_the_model_it_was_saved_from(
    net: str, results: dict[str, dict[str, Any]]
) -> None:
    found = results[net]
    assert "error" not in found, found
    assert found["difference"] < TOLERANCE
    assert (found["inputs"], found["outputs"]) == SIGNATURES[net]
    assert found["batch"] == [1]
    assert found["kind"] == "keras3" and found["keras3"]
    assert found["notes"] == [
        "saved by Keras 2 (TensorFlow.js), brought over to Keras 3 with the same outputs"
    ]


def test_weights_that_are_stored_in_8_bits_are_near(results: dict[str, dict[str, Any]]) -> None:
    found = results["uint8"]
    assert "error" not in found, found
    assert TOLERANCE < found["difference"] < 0.01


def test_a_layer_that_carries_code_is_refused(results: dict[str, dict[str, Any]]) -> None:
    assert results["code"]["error"].startswith("UnsafeSource: ")

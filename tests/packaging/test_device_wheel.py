"""The wheel of a device, alone in a bare environment: numpy, one runtime, and right answers."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from wheels import build, environment, install, interpreter, must

pytestmark = pytest.mark.slow
MODELS = Path(__file__).parents[1] / "models"
PREDICT = """
import sys
import numpy as np
from edgewright_runtimes import load
path, expected, runtime = sys.argv[1:]
with np.load(expected) as arrays:
    x, scores = arrays["dense/x"], arrays["dense/scores"]
with load(path, runtime=runtime) as model:
    found = model.predict(x)
    assert found.shape == scores.shape and np.abs(found - scores).max() < 1e-5, found
    assert np.array_equal(model.predict(x[0]), model.predict(x[:1])[0])
assert "tensorflow" not in sys.modules and "onnx" not in sys.modules
"""
MISSING = """
import sys
from edgewright_runtimes import load
from edgewright_runtimes.errors import MissingExtra
try:
    load(sys.argv[1], runtime=sys.argv[2])
except MissingExtra as e:
    print(e)
"""
# what may stand beside our package and numpy: each runtime's own dependencies, nothing of ours
COMPANY = {
    "litert": {
        *("ai-edge-litert", "backports-strenum", "flatbuffers", "ml-dtypes", "protobuf"),
        *("tqdm", "typing-extensions"),
    },
    "onnx": {
        *("coloredlogs", "flatbuffers", "humanfriendly", "mpmath", "onnxruntime", "packaging"),
        *("protobuf", "sympy"),
    },
    "tflite": {"tflite-runtime"},
}


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheels")
    assert len(build(folder, ("runtimes",))) == 1
    return folder


def bare(folder: Path, wheels: Path, *requirements: str) -> Path:
    base = interpreter("3.11")
    assert base is not None
    python = environment(folder / "venv", base)
    install(python, wheels, *requirements)
    return python


def installed(python: Path) -> dict[str, str]:
    listed = json.loads(must("pip", "list", "--format", "json", "--python", python))
    return {package["name"]: package["version"] for package in listed}


def run(python: Path, code: str, *words: str | Path) -> str:
    argv = [str(python), "-W", "error", "-c", code, *map(str, words)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, cwd=python.parent)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("numpy", ["numpy>=1.26,<2", "numpy>=2"])
def test_alone_it_needs_numpy_and_names_what_is_missing(
    wheels: Path, tmp_path: Path, numpy: str
) -> None:
    python = bare(tmp_path, wheels, "edgewright-runtimes", numpy)
    assert set(installed(python)) == {"edgewright-runtimes", "numpy"}
    for file, runtime, extra in (
        ("dense.tflite", "litert", "litert"),
        ("dense.tflite", "tflite-runtime", "tflite"),
        ("dense.onnx", "onnxruntime", "onnx"),
    ):
        said = run(python, MISSING, MODELS / file, runtime)
        assert f"pip install 'edgewright-runtimes[{extra}]'" in said


@pytest.mark.parametrize(
    ("extra", "file", "runtime"),
    [
        ("litert", "dense.tflite", "litert"),
        ("onnx", "dense.onnx", "onnxruntime"),
        ("tflite", "dense.tflite", "tflite-runtime"),
    ],
)
def test_each_runtime_answers_rightly(
    wheels: Path, tmp_path: Path, extra: str, file: str, runtime: str
) -> None:
    python = bare(tmp_path, wheels, f"edgewright-runtimes[{extra}]")
    found = installed(python)
    assert set(found) - {"edgewright-runtimes", "numpy"} <= COMPANY[extra]
    assert not {"tensorflow", "keras", "onnx"} & set(found)
    if extra == "tflite":
        assert found["numpy"].startswith("1.")
    run(python, PREDICT, MODELS / file, MODELS / "expected.npz", runtime)

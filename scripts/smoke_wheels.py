"""Install the wheels with what they depend on, on each Python that is here, and try them.

    python scripts/smoke_wheels.py [3.10 3.13 ...]      (every supported one without a list)

Tried: the version, ``doctor``, a tiny Keras model to every format, then ``load`` and ``predict``.
The table says which Pythons were not run; exit 1 where one was and failed.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from wheels import PYTHONS, build, environment, install, interpreter

MAKE_MODEL = """
import keras
keras.utils.set_random_seed(0)
keras.Sequential([keras.Input((8,)), keras.layers.Dense(3, activation="softmax")]).save("m.keras")
"""
PREDICT = """
import sys
from pathlib import Path
import numpy as np
from edgewright_runtimes import load
x = np.linspace(-1, 1, 8, dtype=np.float32)
answers = {}
for path in sorted(Path("bundle").rglob("*.tflite")) + sorted(Path("bundle").rglob("*.onnx")):
    with load(path) as model:
        answers[path.suffix] = model.predict(x)
assert set(answers) == {".tflite", ".onnx"}, answers
assert np.allclose(answers[".tflite"], answers[".onnx"], atol=1e-5), answers
assert list(Path("bundle").rglob("model.json")), "no TF.js artifact"
assert "tensorflow" not in sys.modules
"""


class Failed(Exception):
    """One step did not work; the message is its last words."""


def run(folder: Path, *argv: str | Path) -> str:
    environ = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}
    environ |= {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(
        [str(word) for word in argv],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env=environ,
        timeout=600,
    )
    if done.returncode:
        words = (done.stderr + done.stdout).split()
        raise Failed(f"{' '.join(map(str, argv[:2]))[:60]}: {' '.join(words)[-400:]}")
    return done.stdout


def smoke(wheels: Path, base: str, folder: Path) -> str:
    """Everything tried in an environment of its own; the versions of what was installed."""
    python = environment(folder / "venv", base)
    install(python, wheels, "edgewright")
    command = python.parent / "edgewright"
    if "edgewright" not in run(folder, command, "--version"):
        raise Failed("--version does not name the program")
    run(folder, command, "doctor")
    run(folder, python, "-c", MAKE_MODEL)
    run(folder, command, "convert", "m.keras", "--out", "bundle", "--variants", "float32")
    run(folder, python, "-c", PREDICT)
    code = "from importlib.metadata import version as v; print(*map(v, ('tensorflow', 'numpy')))"
    tensorflow, numpy = run(folder, python, "-c", code).split()
    return f"TensorFlow {tensorflow}, numpy {numpy}"


def row(wheels: Path, version: str) -> tuple[str, bool]:
    base = interpreter(version)
    if base is None:
        return f"| {version} | not run | no such Python on this machine |", True
    with tempfile.TemporaryDirectory() as folder:
        try:
            return f"| {version} | works | {smoke(wheels, base, Path(folder))} |", True
        except (Failed, SystemExit) as e:
            return f"| {version} | FAILED | {' '.join(str(e).split())} |", False


def main() -> int:
    wanted = sys.argv[1:] or list(PYTHONS)
    fine = True
    print("| Python | result | detail |\n|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory() as wheels:
        build(Path(wheels))
        for version in PYTHONS:
            line, good = row(Path(wheels), version) if version in wanted else ("", True)
            print(line or f"| {version} | not run | not asked for |", flush=True)
            fine = fine and good
    return 0 if fine else 1


if __name__ == "__main__":
    raise SystemExit(main())

"""No ``--help`` waits for numpy or a framework, and a device's import for anything but numpy."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from edgewright.cli import VERBS

HEAVY = (
    *("PIL", "ai_edge_litert", "ai_edge_quantizer", "h5py", "jinja2", "keras", "numpy", "onnx"),
    *("onnxruntime", "rich", "scipy", "sklearn", "tensorflow", "tf2onnx", "tf_keras"),
    *("tflite_runtime", "edgewright_converters"),
    *("brotli", "cryptography", "msgspec", "playwright", "segno", "starlette", "uvicorn"),
)
HELP = """
import sys
from edgewright.cli import main
try:
    main(sys.argv[1:])
except SystemExit as e:
    assert e.code == 0, e.code
print("\\nLOADED", *sorted(m for m in sys.modules if "." not in m))
"""
DEVICE = """
import sys
before = set(sys.modules)
import edgewright_runtimes
import edgewright_runtimes.model, edgewright_runtimes.preprocess, edgewright_runtimes.contract
found = {m.partition(".")[0] for m in set(sys.modules) - before}
print("LOADED", *sorted(found - set(sys.stdlib_module_names)))
"""


def loaded(code: str, *words: str) -> tuple[str, set[str]]:
    """What is printed, and the top-level modules that a fresh process has at its end."""
    argv = [sys.executable, "-c", code, *words]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("COV_")}
    done = subprocess.run(argv, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    text, _, names = done.stdout.rpartition("LOADED")
    return text, set(names.split())


@pytest.mark.parametrize("words", [(), *((verb,) for verb in VERBS)], ids=lambda w: " ".join(w))
def test_help_imports_nothing_heavy(words: tuple[str, ...]) -> None:
    text, names = loaded(HELP, *words, "--help")
    assert "usage: edgewright" in text and "exit codes" in text
    assert not names & set(HEAVY)


def test_the_version_too() -> None:
    text, names = loaded(HELP, "--version")
    assert text.startswith("edgewright ")
    assert not names & set(HEAVY)


def test_the_device_package_needs_numpy_alone() -> None:
    assert loaded(DEVICE)[1] <= {"edgewright_runtimes", "numpy"}


def test_the_device_package_itself_waits_for_numpy() -> None:
    code = "import sys, edgewright_runtimes; print('LOADED', *sys.modules)"
    assert "numpy" not in loaded(code)[1]

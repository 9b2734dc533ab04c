"""ONNX Runtime leaves its maker's identifier nowhere, unless its user wants it to."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("onnxruntime")
MODEL = Path(__file__).parents[1] / "browser" / "net" / "onnx-int8.onnx"
VARIABLE = "ORT_DISABLE_TELEMETRY"
LOAD = f"""
import os
from edgewright_runtimes import load
load({str(MODEL)!r})
print(os.environ[{VARIABLE!r}])
"""


def load_in_a_fresh_home(home: Path, **more: str) -> str:
    """What the variable is in a process that loads a model there."""
    kept = {k: os.environ[k] for k in ("PATH", "PYTHONPATH") if k in os.environ}
    env = {**kept, "HOME": str(home), **more}
    argv = [sys.executable, "-c", LOAD]
    return subprocess.run(argv, env=env, check=True, capture_output=True, text=True).stdout.strip()


def test_loading_a_model_leaves_no_identifier_behind(tmp_path: Path) -> None:
    assert load_in_a_fresh_home(tmp_path) == "1"
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == []


def test_who_set_the_variable_keeps_it(tmp_path: Path) -> None:
    assert load_in_a_fresh_home(tmp_path, **{VARIABLE: "0"}) == "0"

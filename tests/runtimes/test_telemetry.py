"""ONNX Runtime leaves its maker's identifier nowhere, unless its user wants it to."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("onnxruntime")
MODEL = Path(__file__).parents[1] / "browser" / "net" / "onnx-int8.onnx"
LOAD = f"from edgewright_runtimes import load; load({str(MODEL)!r})"


def files_in_a_fresh_home(home: Path, **more: str) -> list[str]:
    """What loading a model leaves there."""
    env = {
        k: v for k, v in os.environ.items() if k not in ("ORT_DISABLE_TELEMETRY", "XDG_CACHE_HOME")
    }
    subprocess.run([sys.executable, "-c", LOAD], env={**env, "HOME": str(home), **more}, check=True)
    return [path.name for path in home.rglob("*") if path.is_file()]


def test_loading_a_model_leaves_no_identifier_behind(tmp_path: Path) -> None:
    assert files_in_a_fresh_home(tmp_path) == []


def test_who_says_otherwise_is_heard(tmp_path: Path) -> None:
    """And the test above sees what it is there to see."""
    assert "deviceid" in files_in_a_fresh_home(tmp_path, ORT_DISABLE_TELEMETRY="0")

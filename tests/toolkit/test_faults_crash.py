"""A converter that crashes its process costs its own row; the row is kept by its build key."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Command

from edgewright.bundle import Bundle

pytestmark = pytest.mark.slow

# TFLite is traced with a batch of 1, the others with a free one: only there it crashes. The file
# that it touches first tells how often the converter was really started.
CRASHES = """
import sys, keras
crash = lambda x: (
    __import__("os").system("printf x >> '{log}'"),
    __import__("os").kill(__import__("os").getpid(), 11),
) if x.shape[0] == 1 else x
keras.utils.set_random_seed(0)
keras.Sequential([
    keras.Input((4,), name="x"),
    keras.layers.Lambda(crash, output_shape=(4,)),
    keras.layers.Dense(3),
]).save(r"{model}")
"""


def test_a_converter_that_crashes_costs_its_own_row(command: Command, tmp_path: Path) -> None:
    model, log, out = (tmp_path / name for name in ("crashes.keras", "log", "o"))
    script = CRASHES.format(model=model, log=log)
    subprocess.run([sys.executable, "-c", script], check=True, capture_output=True)
    words = ["convert", model, "--out", out, "--variants", "float32", "--unsafe"]
    refused = command(*words[:-1])
    assert refused.code == 2 and "--unsafe" in refused.err and refused.err.count("\n") == 1
    first = command(*words, "--json")
    assert first.code == 3, first.err
    (failure,) = first.json()["failures"]  # type: ignore[misc]
    assert failure["artifact"] == "tflite-float32" and failure["stage"] == "convert"
    assert "crashed (SIGSEGV)" in failure["error"] and failure["hint"]
    assert [a["name"] for a in first.json()["built"]] == ["onnx-float32", "tfjs-float32"]  # type: ignore[index, attr-defined]
    assert log.read_text() == "x"
    second = command(*words, "--json")
    assert second.code == 3
    assert second.json()["failures"] == [failure]
    assert len(second.json()["taken"]) == 2  # type: ignore[arg-type]
    assert log.read_text() == "x"  # it was not tried again
    third = command(*words, "--force", "--variants", "tflite-float32", "--json")
    assert third.code == 1
    assert log.read_text() == "xx"
    assert {a.name for a in Bundle.open(out).artifacts()} == {"onnx-float32", "tfjs-float32"}

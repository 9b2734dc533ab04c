"""The example app runs as it stands, and says in one line what is wrong."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
APP = ROOT / "examples" / "app_digits.py"
MODELS = ROOT / "tests" / "models"


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(APP), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def test_the_app_reads_three_digits() -> None:
    done = run(str(MODELS / "conv_int8_io.tflite"))
    assert done.returncode == 0, done.stderr
    assert [line[:11] for line in done.stdout.splitlines()] == [
        "a 0: read a",
        "a 1: read a",
        "a 2: read a",
    ]


def test_the_app_names_what_is_wrong() -> None:
    done = run("gone.tflite", "--runtime", "litert")
    assert done.returncode == 2
    assert done.stderr == "gone.tflite: no such file or folder\n"

"""Every example runs as it stands."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
MODELS = ROOT / "tests" / "models"
TRAINING = {
    "app_in_browser.py": r"site: tflite-int8 on litertjs-wasm; page \d\d kB, model \d\d kB",
    "digits_budget.py": "tflite-int8 is within 40 kB",
    "breast_cancer.py": r"onnx-int8: misses \d+\.\d% of 86 malignant",
    "compress_digits.py": r"prune60_cluster16_int8: .* zipped [12]\d\.\d kB, .* ship\n",
    "diabetes.py": r"onnx-int8: mean absolute error \d+",
}
OF_AN_ARTIFACT = "app_digits.py"  # tests/runtimes/test_app_example.py


def run(name: str, *arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(EXAMPLES / name), *arguments],
        cwd=folder,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
        timeout=300,  # a minute on a machine that does nothing else
    )


def test_every_example_is_run_by_a_test() -> None:
    assert {p.name for p in EXAMPLES.glob("*.py")} == {*TRAINING, OF_AN_ARTIFACT}


def test_every_example_is_on_the_page_of_examples() -> None:
    text = (ROOT / "docs" / "examples.md").read_text()
    assert not [p.name for p in EXAMPLES.glob("*.py") if f"`examples/{p.name}`" not in text]


@pytest.mark.slow
@pytest.mark.parametrize("name", TRAINING)
def test_the_example_runs(name: str, tmp_path: Path) -> None:
    done = run(name, "--out", "made", folder=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(TRAINING[name], done.stdout)


@pytest.mark.slow
def test_a_budget_that_is_too_small_is_a_no(tmp_path: Path) -> None:
    done = run("digits_budget.py", "--out", "made", "--budget-kb", "10", folder=tmp_path)
    assert done.returncode == 4, done.stdout + done.stderr
    assert "do not ship" in done.stdout


@pytest.mark.parametrize("name", TRAINING)
def test_the_example_says_how_it_is_used(name: str, tmp_path: Path) -> None:
    done = run(name, "--help", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "--out" in done.stdout

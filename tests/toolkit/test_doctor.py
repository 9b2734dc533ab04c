"""``doctor``: what it finds, and the environment that it makes for tflite-runtime."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

from edgewright.settings import add_python, load_settings, user_file
from edgewright.verbs.doctor import PACKAGES, doctor, make_environment
from edgewright_runtimes.errors import BadInput, UnknownName, UsageError
from edgewright_runtimes.runtime import RUNTIMES

Command = Callable[..., Any]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user without settings, in an empty folder, on a machine without browsers and node."""
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path / "nothing"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path


def test_every_package_and_runtime_has_its_line() -> None:
    found = {f.what: f for f in doctor()}
    browsers = {"browser:chromium", "browser:firefox"}
    runtimes = {f"runtime {r}" for r in RUNTIMES}
    assert set(found) == {"python", *PACKAGES, *runtimes, *browsers, "node"}
    assert found["tensorflow"].detail == metadata.version("tensorflow")
    for name in ("python", "tensorflow", "runtime litert", "runtime onnxruntime", "runtime null"):
        assert found[name].state == "ok", found[name]
    lacking = found["runtime tflite-runtime"]
    assert lacking.state == "missing"
    assert "edgewright doctor --make tflite-runtime" in lacking.advice
    assert found["browser:chromium"].state == "missing"
    assert "playwright install chromium, or apt install" in found["browser:chromium"].advice
    assert all(f.advice for f in found.values() if f.state != "ok")


def test_an_environment_that_can_not_run_is_broken_not_missing(home: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", home / "bare"], check=True)
    add_python("tflite-runtime", home / "bare" / "bin" / "python")
    found = {f.what: f for f in doctor()}["runtime tflite-runtime"]
    assert found.state == "broken"
    assert "edgewright_runtimes" in found.detail and str(home / "bare") in found.detail


def test_the_lines_as_a_person_and_as_a_program_reads_them(command: Command) -> None:
    plain, machine = command("doctor"), command("doctor", "--json")
    assert plain.code == machine.code == 0
    rows = json.loads(machine.out)
    assert rows[0]["what"] == "python"
    for row in rows:
        assert f"{row['state']:8} {row['what']:24}" in plain.out


def test_only_tflite_runtime_has_an_environment_of_its_own() -> None:
    with pytest.raises(UnknownName, match="no environment named 'litert'; known: tflite-runtime"):
        make_environment("litert")


def test_a_python_without_the_wheel_is_told_which_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 12, 1, "final", 0))
    with pytest.raises(UsageError, match=r"run doctor with Python 3\.10 or 3\.11"):
        make_environment("tflite-runtime")


def test_settings_that_name_another_interpreter_are_kept(home: Path) -> None:
    add_python("tflite-runtime", Path(sys.executable))
    add_python("tflite-runtime", Path(sys.executable))  # the same again: nothing to do
    before = user_file().read_text()
    with pytest.raises(BadInput, match="change it there"):
        add_python("tflite-runtime", home / "other")
    assert user_file().read_text() == before


@pytest.mark.slow
def test_the_environment_is_made_named_and_used(command: Command, converted: Path) -> None:
    made = command("doctor", "--make", "tflite-runtime", timeout=400)
    assert made.code == 0, made.err
    python = load_settings().pythons["tflite-runtime"]
    assert str(python) in made.out
    found = {f.what: f for f in doctor()}["runtime tflite-runtime"]
    assert found.state == "ok" and "2.14" in found.detail, found
    words = ("--artifacts", "tflite-float32", "--preset", "smoke", "--runtime", "tflite-runtime")
    ran = command("bench", converted, *words, "--json")
    assert ran.code == 0, ran.err
    assert '"tflite-runtime"' in ran.out

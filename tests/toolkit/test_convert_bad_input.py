"""Bad input gets one clear line with what to type, and nothing is half-written."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Command

CASES = {
    "no such model": (["convert", "{tmp}/no.keras", "--out", "{tmp}/o"], "no such model"),
    "out is a file": (
        ["convert", "{model}", "--out", "{model}"],
        "is a file; a bundle is a folder",
    ),
    "out is another folder": (
        ["convert", "{model}", "--out", "{tiny}"],
        "not empty and not a bundle",
    ),
    "unknown verb": (["covert"], "no verb named 'covert'"),
    "unknown format": (
        ["convert", "{model}", "--out", "{tmp}/o", "--formats", "tflit"],
        "did you mean 'tflite'?",
    ),
    "unknown variant": (
        ["convert", "{model}", "--out", "{tmp}/o", "--variants", "int9"],
        "did you mean 'int8'?",
    ),
    "no variant left": (
        ["convert", "{model}", "--out", "{tmp}/o", "--formats", "tfjs", "--variants", "int8"],
        "no variant is left",
    ),
    "samples": (["convert", "{model}", "--out", "{tmp}/o", "--samples", "0"], "samples is 0"),
    "batch": (["convert", "{model}", "--out", "{tmp}/o", "--batch", "0"], "batch is 0"),
    "batch word": (["convert", "{model}", "--out", "{tmp}/o", "--batch", "x"], "nor 'dynamic'"),
    "no data": (
        ["convert", "{model}", "--out", "{tmp}/o", "--calibrate", "{tmp}/no.npz"],
        "no such file",
    ),
    "no labels": (["convert", "{model}", "--out", "{tmp}/o", "--labels", "{tmp}/no"], "labels"),
}


@pytest.mark.parametrize("case", CASES)
def test_one_clear_line_and_exit_2(command: Command, case: str, tiny: Path, tmp_path: Path) -> None:
    words, expected = CASES[case]
    names = {"tmp": tmp_path, "model": tiny / "model.keras", "tiny": tiny}
    ran = command(*[word.format(**names) for word in words])
    assert ran.code == 2
    assert ran.err.startswith("edgewright: error: ")
    assert ran.err.count("\n") == 1
    assert expected in ran.err
    assert not ran.out


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [("text.keras", b"hello, I am no model", "text.keras"), ("cut.h5", b"\x89HDF\r\n", "cut.h5")],
)
def test_a_file_that_is_no_model(
    command: Command, name: str, content: bytes, expected: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_bytes(content)
    ran = command("convert", tmp_path / name, "--out", tmp_path / "o")
    assert ran.code == 2
    assert ran.err.count("\n") == 1
    assert expected in ran.err
    assert not list((tmp_path / "o" / "artifacts").iterdir())


def test_two_runs_at_once_are_refused_by_the_lock(
    command: Command, tiny: Path, tmp_path: Path
) -> None:
    from edgewright.bundle import Bundle

    out = tmp_path / "o"
    with Bundle.create(out).lock():
        ran = command("convert", tiny / "model.keras", "--out", out)
    assert ran.code == 1
    assert "another run is writing to" in ran.err


@pytest.mark.slow
def test_a_full_disk_leaves_a_valid_bundle(
    command: Command, converted: Path, tiny: Path, tmp_path: Path
) -> None:
    """A limit on the size of a file stands in for the disk: the kernel refuses the write."""
    out = tmp_path / "o"
    code = (
        "import resource, sys\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))\n"
        "from edgewright.cli import main\n"
        f"sys.exit(main(['convert', {str(tiny / 'model.keras')!r}, '--out', {str(out)!r}, "
        "'--variants', 'tflite-float32']))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    assert "File too large" in done.stderr + done.stdout
    assert not list((out / "artifacts").iterdir())
    again = command("convert", tiny / "model.keras", "--out", out, "--variants", "tflite-float32")
    assert again.code == 0, again.err

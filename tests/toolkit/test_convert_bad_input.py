"""Bad input gets one clear line with what to type, and nothing is half-written."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.toolkit.report_bundle import start

from edgewright.cli import main
from edgewright.verbs.convert import _is_retrained

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


def test_a_bundle_of_another_model_is_refused(
    tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whether what was made of it is hours of training or a minute's work."""
    bundle = start(tmp_path / "b", path=str(tmp_path / "mine.keras"))
    before = (bundle.path / "bundle.json").read_bytes()
    assert main(["convert", str(tiny / "model.keras"), "--out", str(bundle.path)]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    known = bundle.require_source()
    assert f"is of another model: {known.path} (sha256 {known.sha256[:8]}), and {tiny}" in said
    assert said.endswith("; name another --out, or type --force to begin this one anew\n")
    assert (bundle.path / "bundle.json").read_bytes() == before
    live = bundle.path / "source" / "other" / "model.keras"
    assert not _is_retrained(bundle, live)
    own = bundle.path / "source" / known.sha256[:16]
    own.mkdir(parents=True)
    (own / "model.keras").touch()
    assert _is_retrained(bundle, live), "a live object again: which one it is can't be told"
    assert _is_retrained(bundle, tmp_path / "folder" / ".." / "mine.keras")


@pytest.mark.slow
def test_what_was_retrained_at_its_place_takes_the_bundle_over(
    command: Command, tiny: Path, tmp_path: Path
) -> None:
    model, out = tmp_path / "mine.keras", tmp_path / "b"
    words = ["--out", out, "--variants", "onnx-float32", "--json"]
    model.write_bytes((tiny / "model.keras").read_bytes())
    assert command("convert", model, *words).code == 0
    retrained = "import sys, keras; m = keras.models.load_model(sys.argv[1]);"
    retrained += "m.set_weights([2 * w for w in m.get_weights()]); m.save(sys.argv[1])"
    subprocess.run([sys.executable, "-c", retrained, str(model)], check=True)
    ran = command("convert", model, *words)
    assert ran.code == 0 and len(ran.json()["built"]) == 1, ran.err  # type: ignore[arg-type]
    other = command("convert", tiny / "model.keras", *words)
    assert other.code == 2 and "is of another model" in other.err
    assert command("convert", tiny / "model.keras", *words, "--force").code == 0


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

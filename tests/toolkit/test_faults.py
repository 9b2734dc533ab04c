"""Faults of the disk, of names and of files: one clear line each, and nothing half-written."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.toolkit.bench_bundle import make_bundle

if TYPE_CHECKING:
    from conftest import Command

from edgewright.bundle import Bundle
from edgewright.cli.convert import outcome_lines
from edgewright.line_process import LineProcess, ProcessDied
from edgewright.text_table import aligned, one_line
from edgewright_runtimes.records import Failure


def on_a_small_disk(folder: Path, options: str, *words: str | Path) -> tuple[int, str]:
    """Run the command line with a tmpfs of its own on ``folder``; skips where none is allowed."""
    mount = f'mount -t tmpfs -o "{options}" tmpfs "{folder}"'
    probe = subprocess.run(["unshare", "-m", "sh", "-c", mount], capture_output=True, check=False)
    if probe.returncode:
        pytest.skip("no mount namespace of one's own is allowed here")
    argv = ["unshare", "-m", "sh", "-c", f'{mount} && exec "$@"', "sh"]
    argv += [sys.executable, "-m", "edgewright", *map(str, words)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    return done.returncode, done.stderr + done.stdout


def assert_one_line(code: int, said: str, *expected: str) -> None:
    assert code in (1, 2)
    assert said.startswith("edgewright: error: ") and said.count("\n") == 1
    assert all(words in said for words in expected), said


def test_a_folder_that_is_not_writable(tiny: Path, tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    out = tmp_path / "disk" / "o"
    words = ("convert", tiny / "model.keras", "--out", out, "--variants", "tflite-float32")
    code, said = on_a_small_disk(tmp_path / "disk", "ro", *words)
    assert_one_line(code, said, "cannot write", str(out), "Read-only file system")


def test_a_folder_under_a_file(command: Command, tiny: Path) -> None:
    out = tiny / "model.keras" / "o"
    ran = command("convert", tiny / "model.keras", "--out", out)
    assert_one_line(ran.code, ran.err, "cannot write", "Not a directory", "--out")


@pytest.mark.slow
def test_a_full_disk_is_no_artifact_s_failure(tiny: Path, tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    out = tmp_path / "disk" / "o"
    words = ("convert", tiny / "model.keras", "--out", out, "--variants", "tflite-float32")
    code, said = on_a_small_disk(tmp_path / "disk", "size=8k", *words)
    assert_one_line(code, said, "No space left on device")


@pytest.mark.parametrize("name", ["a\nb.keras", "\x1b[31mred.keras", "größe 1 é.keras", "a\rb"])
def test_names_do_not_act_on_the_terminal(command: Command, tmp_path: Path, name: str) -> None:
    ran = command("convert", tmp_path / name, "--out", tmp_path / "o")
    assert_one_line(ran.code, ran.err, "no such model")
    assert ran.err.rstrip("\n").isprintable()


def test_text_of_others_is_one_line_of_printable_text() -> None:
    assert one_line("größe ½ 猫") == "größe ½ 猫"
    assert one_line("a\nb\r\nc") == "a b c"
    assert one_line("\x1b[2Jx\x07\x9b\udcff") == r"\x1b[2Jx\x07\x9b\udcff"
    lines = aligned(["a", "b"], [["x\ny", "1"], ["\x1b[1m", "2"]])
    assert lines == ["a        b", "x y      1", r"\x1b[1m  2"]
    (said,) = outcome_lines(Failure(artifact="onnx-int8", stage="convert", error="a\n\x1bb"))
    assert one_line(said).isprintable()


@pytest.mark.parametrize("name", ["tflite-float32", "onnx-float32"])
def test_an_artifact_cut_short_is_one_clear_line_for_every_verb(
    command: Command, tmp_path: Path, name: str
) -> None:
    bundle = make_bundle(tmp_path / "bundle")
    model = bundle.model_file(bundle.artifact(name))
    model.write_bytes(model.read_bytes()[: model.stat().st_size // 2])
    inspected = command("inspect", model)
    assert_one_line(inspected.code, inspected.err, model.name)
    words = ("--artifacts", name, "--preset", "smoke", "--seconds", "0.01", "--rounds", "1")
    benched = command("bench", bundle.path, *words, "--json")
    assert benched.code == 1
    (failure,) = benched.json()["failures"]  # type: ignore[misc]
    assert failure["stage"] == "load" and failure["hint"]


@pytest.mark.parametrize("verb", ["check", "bench", "report", "inspect"])
def test_a_bundle_cut_short_is_one_clear_line(command: Command, tmp_path: Path, verb: str) -> None:
    """Its head is half, and the artifacts' records are gone."""
    bundle = make_bundle(tmp_path / "bundle")
    (bundle.path / "bundle.json").write_text('{"schema": 1, "sou')
    shutil.rmtree(bundle.path / "artifacts")
    more = ["--data", tmp_path / "no.npz"] if verb == "check" else []
    ran = command(verb, bundle.path, *more)
    if verb != "report":  # a page can say it too
        assert_one_line(ran.code, ran.err)
    assert "Traceback" not in ran.err


@pytest.mark.parametrize(
    ("script", "of_itself", "words"),
    [
        ("kill -SEGV $$", True, "crashed (SIGSEGV)"),
        ("exit 3", True, "ended with exit code 3"),
        ("kill -9 $$", False, "was killed (SIGKILL; out of memory is the usual reason)"),
        ("kill -TERM $$", False, "SIGTERM"),
        ("exit 0", False, "ended with exit code 0"),
        ("echo why >&2; exit 1", True, "(its last line: why)"),
    ],
)
def test_how_a_process_ended_and_whether_it_would_again(
    tmp_path: Path, script: str, of_itself: bool, words: str
) -> None:
    with LineProcess(["sh", "-c", script], log=tmp_path / "log") as process:
        with pytest.raises(ProcessDied) as error:
            process.receive(timeout=20)
        assert words in str(error.value)
        assert error.value.of_itself is of_itself
        with pytest.raises(ProcessDied):  # and every later question hears the same
            process.ask({"do": "open"}, timeout=20)


def test_a_child_that_writes_no_protocol_is_an_error_not_a_silence(tmp_path: Path) -> None:
    talks = LineProcess(["sh", "-c", "echo hello; exec sleep 60"], log=tmp_path / "log")
    with talks, pytest.raises(ProcessDied, match="wrote not a line of the protocol: 'hello"):
        talks.receive(timeout=20)


def test_a_row_cut_in_the_middle_is_a_death_not_a_silence(tmp_path: Path) -> None:
    script = """printf '{"row": "source"'; kill -9 $$"""
    cut = LineProcess(["sh", "-c", script], log=tmp_path / "log")
    with cut, pytest.raises(ProcessDied, match="SIGKILL"):
        cut.receive(timeout=20)


def test_bundle_problems_do_not_hide_the_rest(tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path / "bundle")
    (bundle.path / "failures").mkdir()
    (bundle.path / "failures" / "x.json").write_text("{")
    assert Bundle.open(bundle.path).failures() == ()
    assert len(Bundle.open(bundle.path).artifacts()) == 4


@pytest.mark.parametrize(
    ("labels", "shape", "said"),
    [
        (("a", "b"), (None, 3), "there are 2 labels, and no output has 2 values: y [None, 3]"),
        (("a", "b", "c"), (None, 3), ""),
        (("a", "b"), (None, 1), ""),
        ((), (None, 3), ""),
        (("a",), (None, None), ""),
    ],
)
def test_labels_that_do_not_fit_the_output_are_said(
    labels: tuple[str, ...], shape: tuple[int | None, ...], said: str
) -> None:
    from edgewright.conversion.running import about_labels
    from edgewright_runtimes.records import SourceInfo, TensorSpec

    outputs = (TensorSpec(name="y", dtype="float32", shape=shape),)
    source = SourceInfo(
        path="m", sha256="0", kind="keras3", inputs=(), outputs=outputs, labels=labels
    )
    assert "".join(about_labels(source)) == said


def test_free_sizes_are_named_where_a_runtime_refuses() -> None:
    from edgewright.conversion.builder import free_sizes_hint
    from edgewright_runtimes.records import SourceInfo, TensorSpec

    def hint(*shape: int | None) -> str:
        inputs = (TensorSpec(name="x", dtype="float32", shape=shape),)
        return free_sizes_hint(
            SourceInfo(path="m", sha256="0", kind="keras3", inputs=inputs, outputs=())
        )

    assert hint(None, 8, 8) == ""
    assert "x [None, None, 8]" in hint(None, None, 8) and "fixed" in hint(None, None, 8)

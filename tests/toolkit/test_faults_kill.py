"""A run that is killed or interrupted anywhere: the bundle is whole, nothing runs on, the next
run goes on."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.toolkit import processes
from tests.toolkit.bench_bundle import make_bundle

if TYPE_CHECKING:
    from conftest import Command

from edgewright.bundle import Bundle, artifact_sha256
from edgewright.verbs.convert import convert
from edgewright_runtimes.records import Artifact, Failure

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are read from /proc")

VARIANTS = ("tflite-float32", "tflite-int8", "onnx-float32", "tfjs-float32")


def words_for(tiny: Path, out: Path) -> list[str | Path]:
    words: list[str | Path] = ["convert", tiny / "model.keras", "--out", out]
    return [*words, "--variants", ",".join(VARIANTS), "--calibrate", tiny / "train.npz"]


def assert_whole(out: Path) -> set[str]:
    """Every artifact that is listed has the bytes it was verified with; the names of all."""
    bundle = Bundle.open(out)
    for artifact in bundle.artifacts():
        assert artifact_sha256(bundle, artifact) == artifact.sha256
    assert not bundle.problems
    return {a.name for a in bundle.artifacts()}


@pytest.mark.slow
def test_kill_9_in_every_stage_of_convert(command: Command, tiny: Path, tmp_path: Path) -> None:
    """One bundle, killed again and again, each time a little further."""
    out = tmp_path / "größe 1 é"
    moments: list[Callable[[], bool]] = [
        (out / ".work" / "converter-0.log").exists,  # the source is being opened
        (out / ".work" / "calibration.npz").exists,  # the goldens are being made
        (out / ".work" / "tflite-float32").exists,  # the first artifact is being converted
        (out / ".work" / "verify-outputs.npz").exists,  # it was just run in its runtime
        (out / "artifacts" / "tflite-float32").exists,
        (out / ".work" / "onnx-float32").exists,
        (out / "artifacts" / "onnx-float32").exists,
    ]
    kept: set[str] = set()
    for happened in moments:
        run = processes.Started(words_for(tiny, out), tmp_path / "log")
        run.until(happened)
        run.kill()
        assert run.orphans() == []
        assert kept <= (kept := assert_whole(out))
        assert not Bundle.open(out).failures()
    ran = command(*words_for(tiny, out), "--json")
    assert ran.code == 0, ran.err
    assert {a["name"] for a in ran.json()["taken"]} == kept  # type: ignore[index, attr-defined]
    assert assert_whole(out) == set(VARIANTS)
    assert not (out / ".work").exists()
    assert not [p for p in out.rglob("*") if p.name.endswith(".tmp")]


@pytest.mark.slow
def test_ctrl_c_in_convert_keeps_what_is_done_and_blames_nobody(
    command: Command, tiny: Path, tmp_path: Path
) -> None:
    out = tmp_path / "o"
    run = processes.Started(words_for(tiny, out), tmp_path / "log")
    assert run.until((out / "artifacts" / "tflite-float32").exists)
    assert run.interrupt() == 130
    assert run.orphans() == []
    assert run.log.read_text().endswith("edgewright: interrupted; what was done is kept\n")
    assert "Traceback" not in run.log.read_text()
    kept = assert_whole(out)
    assert "tflite-float32" in kept
    assert not Bundle.open(out).failures()
    ran = command(*words_for(tiny, out), "--json")
    assert ran.code == 0, ran.err
    assert {a["name"] for a in ran.json()["taken"]} == kept  # type: ignore[index, attr-defined]


@pytest.mark.slow
@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGINT])
def test_check_that_is_stopped_goes_on(
    command: Command, converted: Path, tiny: Path, tmp_path: Path, end: signal.Signals
) -> None:
    out = tmp_path / "bundle"
    shutil.copytree(converted, out)
    words = ["check", out, "--data", tiny / "test.npz", "--artifacts", "tflite-float32,onnx-int8"]
    run = processes.Started(words, tmp_path / "log")
    assert run.until((out / ".work" / "source.log").exists)
    if end == signal.SIGKILL:
        run.kill()
    else:
        assert run.interrupt() == 130
        assert run.log.read_text().endswith("edgewright: interrupted; what was done is kept\n")
    assert run.orphans() == []
    assert len(assert_whole(out)) == 14
    assert not Bundle.open(out).failures()
    ran = command(*words, "--json")
    assert ran.code == 0, ran.err


@pytest.mark.parametrize("part", ["artifact", "measurement"])
def test_kill_9_in_bench_leaves_no_worker(tmp_path: Path, part: str) -> None:
    """A worker in the middle of a round of 60 seconds, whose parent is gone."""
    bundle = make_bundle(tmp_path / "bundle")
    words = ["bench", bundle.path, "--artifacts", "tflite-float32", "--runtime", "litert"]
    seconds = "0.5" if part == "measurement" else "240"
    words += ["--preset", "quick", "--seconds", seconds, "--rounds", "4"]
    run = processes.Started(words, tmp_path / "log")
    measurements = tmp_path / "bundle" / "measurements"
    begun = (bundle.path / ".work").rglob if part == "artifact" else measurements.glob
    assert run.until(lambda: any(begun("*.json" if part == "measurement" else "*")))
    run.until(lambda: bool(processes.descendants(run.pid)))
    run.kill()
    assert run.children
    assert run.orphans() == []
    assert len(assert_whole(bundle.path)) == 4
    with bundle.lock():
        assert not (bundle.path / ".work").exists()


def test_kill_9_in_report_leaves_the_old_page(command: Command, tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path / "bundle")
    page = bundle.path / "report.html"
    page.write_text("old")
    run = processes.Started(["report", bundle.path], tmp_path / "log")
    run.until(lambda: "edgewright" in processes.command_line(run.pid))
    run.kill()
    assert page.read_text() == "old"
    assert command("report", bundle.path).code in (0, 2)


@pytest.mark.slow
@pytest.mark.parametrize("module", ["edgewright_converters.child", "edgewright_runtimes.worker"])
def test_a_child_that_is_killed_costs_one_row_and_is_tried_again(
    tiny: Path, tmp_path: Path, module: str
) -> None:
    killed: list[int] = []
    out = tmp_path / "o"

    def kill(_: Artifact | Failure | None) -> None:
        pid = processes.running(module)
        if not killed and pid is not None:
            os.kill(pid, signal.SIGKILL)
            killed.append(pid)

    def kill_converter() -> None:
        """In its first artifact: it runs ahead of those that are told."""
        until = time.monotonic() + 300
        while not (out / ".work" / VARIANTS[0]).exists() and time.monotonic() < until:
            time.sleep(0.005)
        kill(None)

    options = {"out": out, "variants": VARIANTS, "calibrate": str(tiny / "train.npz")}
    if module == "edgewright_converters.child":
        threading.Thread(target=kill_converter, daemon=True).start()
    tell = kill if module == "edgewright_runtimes.worker" else lambda _: None
    first = convert(tiny / "model.keras", tell=tell, **options)  # type: ignore[arg-type]
    assert killed
    assert len(first.failures) == 1 and len(first.built) == 3 and first.exit_code == 3
    failure = first.failures[0]
    assert "was killed (SIGKILL" in failure.error and "run it again" in failure.hint
    again = convert(tiny / "model.keras", **options)  # type: ignore[arg-type]
    assert [a.name for a in again.built] == [failure.artifact]
    assert len(again.taken) == 3 and again.exit_code == 0
    assert not Bundle.open(out).failures()

"""``bench`` from end to end: real workers, small models, short rounds."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from tests.toolkit.bench_bundle import make_bundle

from edgewright.bundle import Bundle
from edgewright.latency import sweep as sweeping
from edgewright.latency.plan import Budget, Cell, Slot
from edgewright.latency.results import read_results, set_aside
from edgewright.latency.rounds import Outcome
from edgewright.latency.sweep import Progress, Sweep
from edgewright.settings import Settings
from edgewright.targets.local import LocalTarget
from edgewright.targets.ssh.target import SshTarget
from edgewright.targets.ssh.trouble import LinkTrouble
from edgewright.verbs.bench import BenchResult, bench
from edgewright_runtimes.errors import BadInput, MissingExtra, UnknownName, UsageError
from edgewright_runtimes.records import Failure, Stage
from edgewright_runtimes.statistics import Verdict

TOO_FEW = ("too few", "throttled")  # the latter comes first on a machine that others load


@pytest.fixture(autouse=True)
def no_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the settings of whoever runs the tests nor those of the folder they run in."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> tuple[Bundle, BenchResult, list[str]]:
    """Everything measured once in two short rounds, and what was told meanwhile."""
    bundle = make_bundle(tmp_path_factory.mktemp("swept") / "bundle")
    told: list[str] = []
    result = bench(
        bundle.path, preset="smoke", seconds=0.1, seed=1, tell=lambda p: told.append(p.words)
    )
    return bundle, result, told


def test_every_artifact_is_measured_beside_its_baseline(
    swept: tuple[Bundle, BenchResult, list[str]],
) -> None:
    bundle, result, _ = swept
    assert result.exit_code == 0 and not result.failures
    found = {(m.artifact, m.label, m.round) for m in bundle.measurements()}
    names = [("tflite-float32", ""), ("tflite-float32", "again"), ("tflite-int8", "")]
    names += [("onnx-float32", ""), ("onnx-float32", "again")]
    assert found == {(name, label, number) for name, label in names for number in (0, 1)}
    assert sorted(m.order for m in bundle.measurements()) == list(range(10))
    assert [r.artifact for r in result.rows] == ["tflite-float32", "tflite-int8", "onnx-float32"]
    assert [r.baseline for r in result.rows] == [True, False, True]


def test_a_round_keeps_its_samples_and_its_environment(
    swept: tuple[Bundle, BenchResult, list[str]],
) -> None:
    bundle, _, _ = swept
    for record in bundle.measurements():
        samples = bundle.samples(record)
        assert samples.dtype == np.int64 and samples.min() > 0
        assert record.warmup_samples < len(samples) <= 20_000
        assert record.load_ns > 0 and record.first_ns > 0 and not record.partial
        assert record.peak_memory_bytes is not None and record.peak_memory_bytes > 1 << 20
        assert record.in_force["runtime"].split()[0] in ("ai-edge-litert", "onnxruntime")
        assert record.before["work_ns"] and record.after["work_ns"]
    assert not (bundle.path / ".work").exists()


def test_a_smoke_run_is_always_too_few(swept: tuple[Bundle, BenchResult, list[str]]) -> None:
    assert {r.judgement.verdict for r in swept[1].rows} == {Verdict.TOO_FEW}
    assert all(r.summary.median_interval_ns is None for r in swept[1].rows)


def test_what_the_target_can_t_run_is_listed_and_no_failure(
    swept: tuple[Bundle, BenchResult, list[str]],
) -> None:
    assert list(swept[1].not_here) == ["tfjs-float32"]
    assert swept[1].not_here["tfjs-float32"].startswith("not on this target")


def test_each_round_is_told(swept: tuple[Bundle, BenchResult, list[str]]) -> None:
    assert any(w.startswith("round 2 of 2, tflite-int8 in litert: ") for w in swept[2])


def fake_interpreter(folder: Path, script: str) -> Path:
    """An interpreter of another environment, as far as anyone who starts it can tell."""
    python = folder / "python"
    python.write_text(f"#!/bin/sh\n{script}\n")
    python.chmod(0o755)
    return python


def test_an_artifact_that_crashes_its_runtime_costs_its_own_row(tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path / "bundle")
    fake_interpreter(tmp_path, "kill -SEGV $$")
    (tmp_path / "edgewright.toml").write_text('[runtimes.tflite-runtime]\npython = "python"\n')
    result = bench(
        bundle.path,
        artifacts=["tflite-int8"],
        runtimes=["tflite-runtime", "null"],
        preset="smoke",
        seconds=0.02,
        rounds=1,
    )
    assert result.exit_code == 3
    assert {f.artifact for f in result.failures} == {"tflite-float32", "tflite-int8"}
    assert {(f.stage, f.runtime, f.target) for f in result.failures} == {
        ("load", "tflite-runtime", "local")
    }
    assert "crashed (SIGSEGV)" in result.failures[0].error and result.failures[0].hint
    assert len(bundle.failures()) == 2
    assert {(r.artifact, r.runtime) for r in result.rows} == {
        ("tflite-float32", "null"),
        ("tflite-int8", "null"),
    }


@pytest.mark.parametrize(
    ("script", "stage", "error", "hint"),
    [
        ("exec sleep 60", "load", "no answer within 1 s", "--limit"),
        ("exit 0", "load", "ended with exit code 0", "another --runtime"),
        ("""read job; echo '{"row": "loaded"}'; kill -ABRT $$""", "run", "SIGABRT", "--runtime"),
        ("""read job; echo '{"row": "first"}'; exec sleep 60""", "measure", "1 s", "--limit"),
    ],
)
def test_a_worker_that_dies_or_hangs_says_where(
    tmp_path: Path, script: str, stage: str, error: str, hint: str
) -> None:
    python = fake_interpreter(tmp_path, script)
    target = LocalTarget("local", Settings(pythons={"litert": python}))
    with closing(target.start("litert", folder=tmp_path, limit_seconds=1)) as worker:
        last = list(worker.rows({"job": "memory"}))[-1]
    assert (last["row"], last["stage"]) == ("failure", stage)
    assert error in last["error"] and hint in last["hint"]


def test_an_artifact_swapped_after_it_was_measured_is_set_aside(tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path / "bundle")
    options = {"runtimes": ["null"], "preset": "smoke", "seconds": 0.02, "rounds": 1}
    bench(bundle.path, artifacts=["tflite-int8"], **options)  # type: ignore[arg-type]
    with bundle.model_file(bundle.artifact("tflite-int8")).open("ab") as file:
        file.write(b"\0")
    assert [r.artifact for r in read_results(bundle)] == ["tflite-float32"]
    assert set_aside(bundle) == (
        "tflite-int8: 1 round set aside, measured on another file of this name",
    )
    result = bench(bundle.path, artifacts=["tflite-int8"], **options)  # type: ignore[arg-type]
    assert [(f.artifact, f.stage) for f in result.failures] == [("tflite-int8", "load")]
    assert "sha256" in result.failures[0].error and "--force" in result.failures[0].hint
    assert result.exit_code == 3
    assert [r.artifact for r in result.rows] == ["tflite-float32"]


def test_a_sustained_run_shows_latency_over_time(tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path / "bundle")
    result = bench(
        bundle.path,
        artifacts=["tflite-float32"],
        runtimes=["null"],
        preset="sustained",
        seconds=0.5,
    )
    (row,) = result.rows
    times = [point.seconds for point in row.timeline]
    assert len(times) > 20 and times == sorted(times)
    assert all(point.median_ns > 0 for point in row.timeline)


def test_an_interrupt_keeps_what_is_measured(tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path / "bundle")
    interrupt = threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT))

    def tell(step: Progress) -> None:
        if 0.375 < step.part < 0.5 and not interrupt.ident:  # well within the second of four
            interrupt.start()

    result = bench(
        bundle.path,
        artifacts=["tflite-float32"],
        runtimes=["null"],
        preset="smoke",
        seconds=6,
        tell=tell,
    )
    assert result.interrupted and result.exit_code == 130
    assert not result.failures
    first, second = sorted(bundle.measurements(), key=lambda m: m.order)
    assert (first.partial, second.partial) == (False, True)
    assert len(bundle.samples(second)) > second.warmup_samples


def test_a_killed_run_leaves_a_bundle_that_goes_on(tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path / "bundle")
    argv = [sys.executable, "-m", "edgewright", "bench", str(bundle.path), "--runtime", "null"]
    argv += ["--seconds", "2", "--rounds", "4", "--artifacts", "tflite-float32"]
    process = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    assert process.stderr.readline().startswith("  round 1 of 4")
    process.kill()
    process.wait()
    process.stderr.close()
    kept = len(bundle.measurements())
    assert kept >= 1 and len(read_results(bundle)) == 1 and not bundle.problems
    options = {"artifacts": ["tflite-float32"], "runtimes": ["null"], "rounds": 1, "seconds": 0.02}
    assert bench(bundle.path, **options).exit_code == 0  # type: ignore[arg-type]
    assert len(bundle.measurements()) == kept + 2


def test_the_command_prints_a_table(tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path / "bundle")
    argv = [sys.executable, "-m", "edgewright", "bench", str(bundle.path), "--preset", "smoke"]
    argv += ["--seconds", "0.02", "--rounds", "1", "--runtime", "null"]
    argv += ["--artifacts", "tflite-int8,tfjs-float32"]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()
    assert lines[0].split()[:2] == ["artifact", "runtime"]
    assert [line.split()[0] for line in lines[1:3]] == ["tflite-float32", "tflite-int8"]
    assert lines[1].endswith(TOO_FEW) and "baseline" in lines[1]
    assert (
        "  tfjs-float32: not on this target: it runs in a browser (--target browser:chromium)"
        in lines
    )
    assert "3 rounds, 0 failed" in lines[-1]
    assert "left)" in done.stderr

    done = subprocess.run([*argv, "--json"], capture_output=True, text=True, check=True)
    said = json.loads(done.stdout)
    assert said["exit_code"] == 0 and len(said["rows"]) == 2
    assert said["rows"][0]["judgement"]["verdict"] in TOO_FEW
    assert said["rows"][0]["summary"]["median_ns"] > 0
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("options", "kind", "message"),
    [
        ({"artifacts": ["tflite-int"]}, UnknownName, "did you mean 'tflite-int8'"),
        ({"preset": "fast"}, UnknownName, "quick, smoke, standard, sustained"),
        ({"runtimes": ["lite"]}, UnknownName, "no runtime named 'lite'"),
        ({"runtimes": ["tflite-runtime"]}, MissingExtra, r"\[runtimes.tflite-runtime\] python"),
        ({"threads": 0}, BadInput, "threads is 0"),
        ({"seconds": 0}, BadInput, "more than nothing"),
        ({"rounds": -1}, BadInput, "more than nothing"),
        ({"limit_seconds": 0}, BadInput, "limit is 0 s"),
        ({"target": "moon"}, UnknownName, "no target named 'moon'"),
        ({"target": "local,local"}, UsageError, "named twice"),
        ({"target": ""}, UsageError, "no target was named"),
        ({"target": "@shed"}, UsageError, "not in this version; it has: local"),
    ],
)
def test_bad_input_is_one_clear_line(
    tmp_path: Path, options: dict[str, object], kind: type[UsageError], message: str
) -> None:
    bundle = make_bundle(tmp_path / "bundle")
    with pytest.raises(kind, match=message):
        bench(bundle.path, **options)  # type: ignore[arg-type]
    assert not bundle.measurements()


def test_failures_of_other_targets_and_runtimes_stay(tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path / "b")
    for target, runtime in (("local", "litert"), ("local", "other"), ("ssh:pi", "litert")):
        for name in ("tflite-float32", "onnx-float32"):
            row = Failure(artifact=name, stage="run", error="old", target=target, runtime=runtime)
            bundle.add_failure(row)
    bench(bundle.path, artifacts=["tflite-float32"], rounds=1, seconds=0.02, runtimes=["litert"])
    left = {(f.artifact, f.target, f.runtime) for f in bundle.failures()}
    assert left == {
        ("onnx-float32", "local", "litert"),
        ("onnx-float32", "local", "other"),
        ("onnx-float32", "ssh:pi", "litert"),
        ("tflite-float32", "local", "other"),
        ("tflite-float32", "ssh:pi", "litert"),
    }


def test_no_bundle_and_an_empty_one(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no such bundle"):
        bench(tmp_path / "absent")
    Bundle.create(tmp_path / "empty")
    with pytest.raises(UsageError, match="no artifact"):
        bench(tmp_path / "empty")


def test_a_board_that_is_off_costs_its_own_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def off(self: SshTarget) -> object:
        raise LinkTrouble("no link to shed", hint="is it switched on?")

    monkeypatch.setattr(SshTarget, "_opened", off)
    bundle, told = make_bundle(tmp_path / "b"), list[str]()
    result = bench(
        bundle.path,
        artifacts=["tflite-float32"],
        runtimes=["litert"],
        target="ssh:shed,local",
        rounds=1,
        seconds=0.02,
        tell=lambda step: told.append(step.words) if step.failed else None,
    )
    row = Failure(
        artifact="",
        stage="transport",
        error="no link to shed",
        hint="is it switched on?",
        target="ssh:shed",
    )
    assert (result.failures, bundle.failures()) == ((row,), (row,))
    assert told == ["ssh:shed: FAILED at transport: no link to shed; is it switched on?"]
    assert {r.target for r in result.rows} == {"local"} and result.exit_code == 3
    with pytest.raises(LinkTrouble):  # alone, it is all that there is to say
        bench(bundle.path, target="ssh:shed")


@pytest.mark.parametrize(
    ("target", "stages", "tries", "failed"),
    [
        ("ssh:pi", ["transport"], 2, 0),
        ("ssh:pi", ["transport", "transport"], 2, 1),
        ("ssh:pi", ["measure"], 1, 1),
        ("page:phone", ["transport"], 1, 1),
    ],
)
def test_a_round_that_was_lost_on_the_way_is_done_once_more(
    target: str,
    stages: list[Stage],
    tries: int,
    failed: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bundle, asked = make_bundle(tmp_path / "b"), list[str]()
    outcomes = [
        *(
            Outcome(failure=Failure(artifact="tflite-int8", stage=stage, error="", target=target))
            for stage in stages
        ),
        Outcome(),
    ]

    def run_round(*_: object, **__: object) -> Outcome:
        asked.append(target)
        return outcomes[min(len(asked), len(outcomes)) - 1]

    monkeypatch.setattr(sweeping, "run_round", run_round)
    setup = SimpleNamespace(
        target=SimpleNamespace(name=target), budget=Budget(rounds=2, seconds=1, samples=1)
    )
    sweep = Sweep(bundle, setup, lambda _: None)  # type: ignore[arg-type]
    slot = Slot(0, 0, Cell(bundle.artifact("tflite-int8"), "litert"))
    sweep._round(slot, 0.0, 1.0)
    assert (len(asked), len(sweep.failures)) == (tries, failed)
    sweep._round(slot, 0.5, 1.0)
    assert len(asked) == tries + (not failed)  # what failed is not asked again

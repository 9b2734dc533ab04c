"""``bench`` in real browsers: what is recorded, what fails, and that nothing stays behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from tests.browser.conftest import require_browser
from tests.browser.little_site import is_kind, pids_started_with
from tests.browser.net_bundle import make_net_bundle, spoil_answers

from edgewright.bundle import Bundle
from edgewright.latency import rounds as rounds_module
from edgewright.latency.sweep import Progress
from edgewright.targets.browser.options import BrowserOptions
from edgewright.verbs.bench import BenchResult, bench
from edgewright_runtimes.environment import read_changing
from edgewright_runtimes.statistics import Verdict

SHORT = {"preset": "smoke", "seconds": 0.2, "rounds": 2, "seed": 1}
OURS = "EDGEWRIGHT_TEST"


@pytest.fixture
def bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bundle:
    monkeypatch.setenv(OURS, str(tmp_path))
    return make_net_bundle(tmp_path / "bundle")


def run(bundle: Bundle, name: str, **options: object) -> BenchResult:
    """A short bench; no process of the browser is left when it is over."""
    given = {**SHORT, "target": f"browser:{name}", **options}
    try:
        return bench(bundle.path, **given)  # type: ignore[arg-type]
    finally:
        assert not pids_started_with(OURS, os.environ[OURS])


def test_rows_stand_beside_the_local_ones(browser_name: str, bundle: Bundle) -> None:
    done = run(
        bundle,
        browser_name,
        target=f"local,browser:{browser_name}",
        artifacts=["tflite-float32", "tfjs-float32"],
        runtimes=["litert", "litertjs-wasm", "tfjs-wasm"],
        rounds=1,
    )
    assert done.failures == () and not done.interrupted
    assert {(r.artifact, r.runtime, r.target) for r in done.rows} == {
        ("tflite-float32", "litert", "local"),
        ("tflite-float32", "litertjs-wasm", f"browser:{browser_name}"),
        ("tfjs-float32", "tfjs-wasm", f"browser:{browser_name}"),
    }
    assert list(done.not_here) == ["tfjs-float32 on local"]
    for row in done.rows:
        if row.target == "local":
            continue
        assert row.peak_memory_bytes is None and row.first_ns > 0 and row.load_ns > 0
        assert row.in_force["isolated"] == row.in_force["worker"] == "yes"
        assert row.in_force["threads"] == "1" and row.in_force["headed"] == "no"
        assert row.in_force["browser"].startswith(browser_name)
        for around in (row.environment, row.environment_after):
            assert {"user_agent", "timer_step_ns", "work_ns", "load_1m", "kernel"} <= around.keys()
            assert "refused_requests" not in around  # it asked for nothing beyond its server


def test_an_artifact_that_answers_wrongly_costs_no_time(browser_name: str, bundle: Bundle) -> None:
    spoil_answers(bundle)
    done = run(bundle, browser_name, artifacts=["tfjs-float32"], runtimes=["tfjs-cpu"])
    (failure,) = done.failures
    assert (failure.stage, failure.runtime) == ("verify", "tfjs-cpu")
    assert failure.error.startswith("output 'dense' is off by ")
    assert done.measured_rounds == 0 and done.exit_code == 1


def test_what_the_browser_has_not_is_no_failure(bundle: Bundle) -> None:
    firefox = require_browser("firefox")  # Chromium has a software GPU where there is no other
    names = {"artifacts": ["tfjs-float32"], "runtimes": ["tfjs-webgpu", "null"], "rounds": 1}
    done = run(bundle, firefox, **names)
    assert done.exit_code == 0 and done.failures == ()
    assert done.not_here["tfjs-webgpu"].startswith("not on this target: ")


def in_round_of(artifact: str, do: Callable[[], object]) -> Callable[[Progress], None]:
    """``do`` a second after the first round of ``artifact`` has begun."""
    left = [threading.Timer(1.0, do)]

    def tell(step: Progress) -> None:
        if left and f"round 1 of 1, {artifact}" in step.words:
            left.pop().start()

    return tell


def test_a_killed_browser_costs_one_row_and_the_sweep_goes_on(
    browser_name: str, bundle: Bundle
) -> None:
    def kill() -> None:
        for pid in pids_started_with(OURS, os.environ[OURS]):
            os.kill(pid, signal.SIGKILL)

    done = run(
        bundle,
        browser_name,
        artifacts=["onnx-float32", "tfjs-float32"],
        runtimes=["null"],
        rounds=1,
        seconds=4,
        tell=in_round_of("onnx-float32", kill),
    )
    assert done.exit_code == 3
    (failure,) = done.failures
    assert failure.artifact == "onnx-float32"
    assert failure.target == f"browser:{browser_name}"
    assert "tfjs-float32" in {row.artifact for row in done.rows}


def test_ctrl_c_keeps_what_was_measured(bundle: Bundle) -> None:
    browser = require_browser("chromium")
    argv = [sys.executable, "-m", "edgewright", "bench", str(bundle.path), "--seconds", "40"]
    argv += ["--target", f"browser:{browser}", "--runtime", "null"]
    argv += ["--artifacts", "tfjs-float32", "--rounds", "2"]
    ours = subprocess.Popen(argv, stderr=subprocess.PIPE, start_new_session=True, text=True)
    assert ours.stderr is not None
    with ours.stderr:
        until = time.monotonic() + 60
        while not pids_started_with(OURS, os.environ[OURS]) and time.monotonic() < until:
            time.sleep(0.05)
        time.sleep(8)  # probed, and in its first round
        os.killpg(ours.pid, signal.SIGINT)
        assert ours.wait(timeout=60) == 130, ours.stderr.read()
    assert not pids_started_with(OURS, os.environ[OURS])
    assert all(record.partial for record in bundle.measurements())


@pytest.mark.slow
def test_a_page_that_hangs_is_a_failure_row(browser_name: str, bundle: Bundle) -> None:
    over = threading.Event()

    def freeze() -> None:
        groups = groups_of_browsers()  # not those of the browser that is started after it
        while not over.wait(0.2):
            for pid in pids_of_tabs(groups):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGSTOP)

    begin = in_round_of("onnx-float32", freeze)

    def tell(step: Progress) -> None:
        begin(step)
        if step.failed:
            over.set()

    try:
        done = run(
            bundle,
            browser_name,
            artifacts=["onnx-float32", "tfjs-float32"],
            runtimes=["null"],
            rounds=1,
            seconds=30,
            limit_seconds=40,
            tell=tell,
        )
    finally:
        over.set()
    assert [failure.artifact for failure in done.failures] == ["onnx-float32"], done.failures
    (failure,) = done.failures
    assert "no answer within" in failure.error or "has been away" in failure.error
    assert "tfjs-float32" in {row.artifact for row in done.rows}


def groups_of_browsers() -> set[int]:
    """Of those that this test started; their tabs lie in the group of the main process."""
    return {os.getpgid(pid) for pid in pids_started_with(OURS, os.environ[OURS])}


def pids_of_tabs(groups: set[int]) -> list[int]:
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if os.getpgid(int(folder.name)) in groups and is_kind(int(folder.name), "tab"):
                found.append(int(folder.name))
    return found


def test_a_sustained_round_has_readings_over_its_time(
    browser_name: str, bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rounds_module, "SENSOR_SECONDS", 0.1)
    names = {"artifacts": ["tfjs-float32"], "runtimes": ["tfjs-cpu"]}
    done = run(bundle, browser_name, preset="sustained", rounds=1, seconds=2, **names)
    (row,) = done.rows
    assert [1.9 < float(str(reading["seconds"])) < 60 for reading in row.during][:1] == [True]
    assert set(read_changing()) <= row.during[0].keys()  # those of this machine, which has any
    assert len(row.timeline) > 1


def test_a_slow_page_is_throttled_on_purpose(bundle: Bundle) -> None:
    done = run(
        bundle,
        require_browser("chromium"),
        artifacts=["tfjs-float32"],
        runtimes=["tfjs-cpu"],
        rounds=1,
        browser=BrowserOptions(cpu_throttle=4),
    )
    (row,) = done.rows
    assert row.judgement.verdict is Verdict.THROTTLED_ON_PURPOSE
    assert row.in_force["cpu_throttle"] == "4" and row.in_force["worker"] == "no"


@pytest.mark.slow
def test_a_software_gpu_says_so(bundle: Bundle) -> None:
    browser = require_browser("chromium")
    done = run(bundle, browser, artifacts=["tfjs-float32"], runtimes=["tfjs-webgl"], rounds=1)
    (row,) = done.rows
    if row.in_force["software_gpu"] == "yes":
        assert row.judgement.verdict is Verdict.SOFTWARE_GPU


def test_a_backend_without_a_kernel_names_the_op(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(OURS, str(tmp_path))
    bundle = make_net_bundle(tmp_path / "bundle", softmax="Imag")
    names = {"artifacts": ["tfjs-float32"], "runtimes": ["tfjs-wasm"], "rounds": 1}
    (failure,) = run(bundle, require_browser("chromium"), **names).failures
    assert failure.stage in ("load", "run")
    assert "Imag" in failure.error
    assert "tfjs-cpu" in failure.error + failure.hint

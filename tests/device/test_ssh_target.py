"""The target ``ssh:``, on this machine through a real sshd: jobs that survive what links do."""

from __future__ import annotations

import json
import os
import shutil
import signal
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.device.board_here import BoardHere, bench_job, clients, predict_job, until
from tests.device.ssh_server import SshServer
from tests.toolkit.bench_bundle import make_bundle

from edgewright.settings import Settings
from edgewright.targets.local import LocalTarget
from edgewright.targets.ssh import worker as ssh_worker
from edgewright.targets.ssh.link import Link
from edgewright.targets.ssh.target import SshTarget
from edgewright.targets.target import Target, choose_runtimes
from edgewright.verbs.bench import bench
from edgewright_runtimes.errors import MissingExtra, UnknownName


@pytest.fixture
def board(sshd: SshServer) -> BoardHere:
    return BoardHere(home=sshd.home)


def open_board(sshd: SshServer, board: BoardHere) -> SshTarget:
    link = Link(sshd.destination, options=sshd.options)
    return SshTarget("ssh:pi", link, lambda: board)  # type: ignore[arg-type,return-value]


@pytest.fixture
def target(sshd: SshServer, board: BoardHere) -> Iterator[SshTarget]:
    with closing(open_board(sshd, board)) as target:
        yield target


def run(target: Target, folder: Path, job: dict[str, object], *, limit: float = 60) -> list[Any]:
    runtime = str(job["runtime"])
    with closing(target.start(runtime, folder=folder, limit_seconds=limit)) as worker:
        return list(worker.rows(job))


def test_a_job_there_gives_the_rows_and_the_file_of_one_here(
    target: SshTarget, board: BoardHere, tmp_path: Path
) -> None:
    rows = run(target, tmp_path, bench_job(tmp_path))
    here = run(LocalTarget("local", Settings()), tmp_path, bench_job(tmp_path))
    assert [r["row"] for r in rows] == [r["row"] for r in here]
    assert [sorted(r) for r in rows if r["row"] != "environment"] == [
        sorted(r) for r in here if r["row"] != "environment"
    ]
    samples = next(r for r in rows if r["row"] == "samples")
    assert samples["file"] == str(tmp_path / "samples.npy")
    assert rows[-1]["row"] == "done"
    assert len(board.stored) == 1 and board.stored[0].endswith(".tflite")


def test_predictions_come_back(target: SshTarget, tmp_path: Path) -> None:
    assert run(target, tmp_path, predict_job(tmp_path))[-1]["row"] == "done"
    with np.load(tmp_path / "out.npz", allow_pickle=False) as arrays:
        there = arrays["scores"]
    (tmp_path / "out.npz").unlink()
    run(LocalTarget("local", Settings()), tmp_path, predict_job(tmp_path))
    with np.load(tmp_path / "out.npz", allow_pickle=False) as arrays:
        np.testing.assert_array_equal(arrays["scores"], there)
    assert not list(tmp_path.glob(".*"))


def test_peak_memory_is_that_of_a_fresh_process_there(target: SshTarget, tmp_path: Path) -> None:
    job = bench_job(tmp_path)
    memory = {name: job[name] for name in ("artifact", "threads")}
    rows = run(target, tmp_path, {"job": "memory", "runtime": "litert", **memory})
    assert rows[-2]["peak_bytes"] > 1 << 20 and rows[-1]["row"] == "done"


def test_what_is_there_is_not_sent_again(
    sshd: SshServer, board: BoardHere, target: SshTarget, tmp_path: Path
) -> None:
    run(target, tmp_path, bench_job(tmp_path))
    store = Path(board.root) / "store"
    before = {p: p.stat().st_ino for p in store.iterdir()}
    with closing(open_board(sshd, board)) as other:  # another run of the tool
        run(other, tmp_path, bench_job(tmp_path))
    assert {p: p.stat().st_ino for p in store.iterdir()} == before


def test_what_was_removed_there_is_sent_again(
    target: SshTarget, board: BoardHere, tmp_path: Path
) -> None:
    run(target, tmp_path, bench_job(tmp_path))
    (name,) = board.stored
    (Path(board.root) / "store" / name).unlink()
    assert run(target, tmp_path, bench_job(tmp_path))[-1]["row"] == "done"
    assert board.stored == [name]


def test_nothing_of_a_job_stays_there(sshd: SshServer, board: BoardHere, tmp_path: Path) -> None:
    with closing(open_board(sshd, board)) as target:
        run(target, tmp_path, bench_job(tmp_path))
        run(target, tmp_path, bench_job(tmp_path))
        assert len(board.folders) == 1  # a job's folder goes with the next job
    assert not board.folders
    assert clients() == []


def test_runtimes_are_those_of_the_board(target: SshTarget) -> None:
    assert target.runtimes("tflite") == ("litert",)
    assert target.runtimes("onnx") == ("onnxruntime",)
    target.require("null")
    with pytest.raises(MissingExtra, match=r"tflite-runtime: Python 3\.12"):
        target.require("tflite-runtime")
    with pytest.raises(UnknownName):
        target.require("lite")
    found, _, why = choose_runtimes("tfjs", (), target)
    assert not found and "browser" in why


# -- links --------------------------------------------------------------------------------------


def told_there(board: BoardHere) -> list[Any]:
    """The worker's rows as they lie in the file, the last one last."""
    return [json.loads(line) for line in board.folders[-1].rows.read_text().splitlines()]


def check_whole(rows: list[Any], board: BoardHere) -> None:
    """Every row of the file came, in its order, and once."""
    there = told_there(board)
    assert [r["row"] for r in rows] == [r["row"] for r in there]
    assert [r for r in rows if r["row"] == "progress"] == [
        r for r in there if r["row"] == "progress"
    ]


def test_a_link_that_is_cut_in_a_job_is_taken_up(
    sshd: SshServer, target: SshTarget, board: BoardHere, tmp_path: Path
) -> None:
    with closing(target.start("null", folder=tmp_path, limit_seconds=60)) as worker:
        rows = worker.rows(bench_job(tmp_path, seconds=5))
        seen = until(rows, "progress")
        sshd.kill()
        threading.Timer(1.0, sshd.start).start()
        seen += list(rows)
    assert seen[-1]["row"] == "done"
    check_whole(seen, board)
    samples = next(r for r in seen if r["row"] == "samples")
    found = np.load(tmp_path / "samples.npy", allow_pickle=False)
    assert len(found) > samples["warmup_samples"] and not samples["partial"]


@pytest.mark.parametrize(
    "seconds", [1.0, pytest.param(60.0, marks=pytest.mark.slow)], ids=["a hiccup", "a minute"]
)
def test_a_link_over_which_nothing_goes_for_a_while(
    sshd: SshServer, target: SshTarget, board: BoardHere, tmp_path: Path, seconds: float
) -> None:
    with closing(target.start("null", folder=tmp_path, limit_seconds=60)) as worker:
        rows = worker.rows(bench_job(tmp_path, seconds=5))
        seen = until(rows, "progress")
        sshd.freeze()
        threading.Timer(seconds, sshd.thaw).start()
        seen += list(rows)
    assert seen[-1]["row"] == "done"
    check_whole(seen, board)


def test_an_ssh_that_is_killed_here_is_started_again(
    target: SshTarget, board: BoardHere, tmp_path: Path
) -> None:
    with closing(target.start("null", folder=tmp_path, limit_seconds=60)) as worker:
        rows = worker.rows(bench_job(tmp_path, seconds=5))
        seen = until(rows, "progress")
        for pid in clients():
            os.kill(pid, signal.SIGKILL)
        seen += list(rows)
    assert seen[-1]["row"] == "done"
    check_whole(seen, board)


def test_a_board_that_does_not_come_back_is_waited_for_once(
    sshd: SshServer, target: SshTarget, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ssh_worker, "PATIENCE_SECONDS", 1.0)
    with closing(target.start("null", folder=tmp_path, limit_seconds=60)) as worker:
        rows = worker.rows(bench_job(tmp_path, seconds=6))
        until(rows, "first")
        sshd.kill()
        last = list(rows)[-1]
    assert (last["row"], last["stage"]) == ("failure", "transport")
    assert "not found again within 1 s" in last["error"] and "again" in last["hint"]
    (next_one,) = run(target, tmp_path, bench_job(tmp_path))
    assert (next_one["row"], next_one["stage"]) == ("failure", "transport")
    sshd.start()  # and when it is back it is taken again
    assert run(target, tmp_path, bench_job(tmp_path))[-1]["row"] == "done"


def test_a_job_that_is_gone_from_the_board_says_so(
    sshd: SshServer, target: SshTarget, board: BoardHere, tmp_path: Path
) -> None:
    """As where the board comes back with an empty home folder."""
    with closing(target.start("null", folder=tmp_path, limit_seconds=60)) as worker:
        rows = worker.rows(bench_job(tmp_path, seconds=60))
        until(rows, "progress")
        sshd.kill()
        os.kill(board.watching(), signal.SIGKILL)
        shutil.rmtree(board.folders[-1].path)
        sshd.start()
        last = list(rows)[-1]
    assert (last["row"], last["stage"]) == ("failure", "transport")
    assert "no jobs were started in" in last["error"] and last["hint"]


# -- ends ---------------------------------------------------------------------------------------


def test_ctrl_c_stops_the_job_there_and_keeps_its_samples(
    target: SshTarget, board: BoardHere, tmp_path: Path
) -> None:
    with closing(target.start("null", folder=tmp_path, limit_seconds=60)) as worker:
        rows = worker.rows(bench_job(tmp_path, seconds=600))
        seen = until(rows, "progress")
        threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
        seen += list(rows)
        assert worker.stopped and seen[-1]["row"] == "done"
    samples = next(r for r in seen if r["row"] == "samples")
    assert samples["partial"] is True
    assert len(np.load(tmp_path / "samples.npy", allow_pickle=False)) > 1
    assert not board.folders[-1].running
    check_whole(seen, board)


def test_a_worker_that_is_left_alone_is_stopped(
    target: SshTarget, board: BoardHere, tmp_path: Path
) -> None:
    worker = target.start("null", folder=tmp_path, limit_seconds=60)
    rows = worker.rows(bench_job(tmp_path, seconds=600))
    until(rows, "first")
    rows.close()  # type: ignore[attr-defined]
    worker.close()
    assert not board.folders


@pytest.mark.parametrize(
    ("number", "whom", "error", "stage"),
    [
        (signal.SIGKILL, "worker", "was killed (SIGKILL; out of memory", "measure"),
        (signal.SIGSEGV, "worker", "crashed (SIGSEGV)", "measure"),
        (signal.SIGKILL, "watching", "its agent was killed", "transport"),
        (signal.SIGSTOP, "worker", "no answer within 6 s", "measure"),
    ],
)
def test_a_process_that_dies_or_hangs_there_costs_its_own_row(
    target: SshTarget,
    board: BoardHere,
    tmp_path: Path,
    number: signal.Signals,
    whom: str,
    error: str,
    stage: str,
) -> None:
    with closing(target.start("null", folder=tmp_path, limit_seconds=6)) as worker:
        rows = worker.rows(bench_job(tmp_path, seconds=600))
        until(rows, "first")
        os.kill(getattr(board, whom)(), number)
        last = list(rows)[-1]
    assert (last["row"], last["stage"]) == ("failure", stage)
    assert error in last["error"] and last["hint"]
    assert run(target, tmp_path, bench_job(tmp_path))[-1]["row"] == "done"


def test_two_workstations_take_turns(
    sshd: SshServer, target: SshTarget, board: BoardHere, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    with (
        closing(open_board(sshd, board)) as second,
        closing(target.start("null", folder=tmp_path, limit_seconds=60)) as worker,
    ):
        rows = worker.rows(bench_job(tmp_path, seconds=4))
        seen = until(rows, "first")
        (busy,) = run(second, other, bench_job(other), limit=0.5)
        assert busy["row"] == "failure" and "still busy: a job of" in busy["error"]
        waited: list[Any] = []
        thread = threading.Thread(
            target=lambda: waited.extend(run(second, other, bench_job(other)))
        )
        thread.start()
        seen += list(rows)
        thread.join(60)
    assert seen[-1]["row"] == waited[-1]["row"] == "done"


# -- verbs --------------------------------------------------------------------------------------


@pytest.fixture
def by_name(
    sshd: SshServer, board: BoardHere, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> str:
    """The target's name on a command line; set-up is left out, for all is here."""
    from edgewright.targets.ssh import installation

    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.chdir(tmp_path)
    for name, value in sshd.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(installation, "prepare", lambda link, device: board)
    return f"ssh:{sshd.destination}"


def test_bench_over_ssh_from_end_to_end(by_name: str, board: BoardHere, tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path / "bundle")
    result = bench(
        bundle.path,
        artifacts=["tflite-int8", "tfjs-float32"],
        runtimes=["litert", "null"],
        target=by_name,
        preset="smoke",
        seconds=0.1,
    )
    assert result.exit_code == 0 and result.not_here["tfjs-float32"].startswith("not on this")
    assert {(r.artifact, r.runtime, r.target) for r in result.rows} == {
        (artifact, runtime, by_name)
        for artifact in ("tflite-float32", "tflite-int8")
        for runtime in ("litert", "null")
    }
    assert all(r.peak_memory_bytes for r in result.rows)
    assert {(m.round, m.partial) for m in bundle.measurements()} == {(0, False), (1, False)}
    assert not board.folders and len(board.stored) == 2  # one file for both names, and the feeds

"""The agent of a board, as a process: jobs that outlive whoever started them."""

from __future__ import annotations

import base64
import io
import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.toolkit.processes import command_line, descendants

from edgewright_runtimes.agent.device_lock import DeviceLock
from edgewright_runtimes.agent.job_folder import ENDED_BYTES, JobFolder, forget_old
from edgewright_runtimes.agent.stop import stop
from edgewright_runtimes.agent.store import SPARE_BYTES, make_room, missing
from edgewright_runtimes.agent.watch import GRACE_SECONDS
from edgewright_runtimes.agent.worker_log import KEPT_BYTES, WorkerLog
from edgewright_runtimes.errors import UsageError
from edgewright_runtimes.protocol import PROTOCOL

MODEL = Path(__file__).parents[1] / "models" / "dense.tflite"
AGENT = [sys.executable, "-m", "edgewright_runtimes.agent"]
PATIENCE_SECONDS = 60.0
Row = Mapping[str, Any]


class Board:
    """A folder that is a board's, and the agent called there as over a link."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.jobs = root / "jobs"
        self._begun: list[Started] = []

    def folder(self, name: str = "a-1") -> JobFolder:
        return JobFolder(self.jobs / name)

    def bench(self, name: str = "a-1", seconds: float = 0.05) -> bytes:
        job = {
            "protocol": PROTOCOL,
            "job": "bench",
            "artifact": str(MODEL),
            "runtime": "null",
            "threads": 1,
            "seconds": seconds,
            "samples": 4,
            "samples_file": str(self.jobs / name / "samples.npy"),
        }
        return json.dumps(job).encode() + b"\n"

    def words(self, verb: str, name: str = "a-1", **options: object) -> list[str]:
        if verb == "start":
            options = {"silent": 60, "limit": 60, "owner": "me@here", **options}
        given = [f"--{key}={value}" for key, value in options.items()]
        return [*AGENT, verb, str(self.jobs / name), *given]

    def call(self, verb: str, name: str = "a-1", jobs: bytes = b"", **options: object) -> list[Row]:
        words = self.words(verb, name, **options)
        done = subprocess.run(words, input=jobs, capture_output=True, timeout=PATIENCE_SECONDS)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def begin(self, name: str = "a-1", seconds: float = 600, **options: object) -> Started:
        self._begun.append(Started(self.words("start", name, **options), self.bench(name, seconds)))
        return self._begun[-1]

    def close(self) -> None:
        for started in self._begun:
            started.cut()
        for path in self.jobs.glob("*-*"):
            watching = JobFolder(path)
            if watching.running and watching.started is not None:
                os.kill(watching.started["pid"], signal.SIGKILL)
                watching.wait()


class Started:
    """A ``start`` that is under way, read row by row."""

    def __init__(self, words: list[str], jobs: bytes) -> None:
        self.process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self.process.stdin is not None
        self.process.stdin.write(jobs)
        self.process.stdin.close()
        self.bytes = 0

    def until(self, name: str) -> list[Row]:
        """The rows up to one of that name."""
        assert self.process.stdout is not None
        rows: list[Row] = []
        for line in self.process.stdout:
            rows.append(json.loads(line))
            if rows[-1]["row"] == name:
                return rows
        raise AssertionError(f"no row {name!r} in {rows}")

    def cut(self) -> None:
        """As a link that is lost: nobody reads any more."""
        assert self.process.stdout is not None
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


@pytest.fixture
def board(tmp_path: Path) -> Iterator[Board]:
    board = Board(tmp_path / "a board; $(x)")
    yield board
    board.close()


def by_name(rows: list[Row]) -> dict[str, Row]:
    return {row["row"]: row for row in rows}


def worker_of(folder: JobFolder) -> int:
    assert folder.started is not None
    found = [p for p in descendants(folder.started["pid"]) if "worker" in command_line(p)]
    assert len(found) == 1
    return found[0]


def eventually(happens: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while not happens():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_a_job_runs_and_its_results_come_with_its_rows(board: Board) -> None:
    rows = board.call("start", jobs=board.bench())
    names = [row["row"] for row in rows if row["row"] not in ("progress", "environment")]
    assert names == ["starting", "started", "loaded", "first", "samples", "done", "file", "ended"]
    found = by_name(rows)
    assert (found["ended"]["code"], found["ended"]["why"]) == (0, "")
    assert (found["file"]["name"], found["file"]["at"]) == ("samples.npy", 0)
    data = base64.b64decode(found["file"]["data"])
    assert len(data) == found["file"]["of"]
    assert np.load(io.BytesIO(data), allow_pickle=False).dtype == np.int64
    assert {row["protocol"] for row in rows} == {PROTOCOL}
    assert found["started"]["stale"] == ""


def test_from_every_offset_the_rest_follows_once(board: Board) -> None:
    board.call("start", jobs=board.bench())
    text = board.folder().rows.read_bytes()
    offset = 0
    for line in (*text.splitlines(keepends=True), b""):
        rows = board.call("follow", offset=offset)
        rest = [row for row in rows if row["row"] not in ("file", "ended")]
        assert rest == [json.loads(line) for line in text[offset:].splitlines()]
        offset += len(line)
    assert "has no byte" in by_name(board.call("follow", offset=offset + 1))["trouble"]["error"]


def test_a_job_outlives_the_link_that_started_it(board: Board) -> None:
    started = board.begin(seconds=3)
    started.until("first")
    started.cut()
    rows = by_name(board.call("follow"))
    assert rows["done"] and rows["samples"]["partial"] is False and rows["ended"]["code"] == 0


def test_a_second_start_of_the_same_jobs_follows_them(board: Board) -> None:
    board.call("start", jobs=board.bench())
    first = board.folder().started
    rows = by_name(board.call("start", jobs=board.bench()))
    assert rows["done"] and "starting" not in rows
    assert board.folder().started == first


def test_stopped_jobs_keep_what_they_have(board: Board) -> None:
    started = board.begin()
    started.until("progress")
    assert by_name(board.call("stop"))["done"]
    rows = by_name(started.until("ended"))
    assert rows["samples"]["partial"] is True and rows["file"]
    assert (rows["ended"]["code"], rows["ended"]["why"]) == (0, "")
    assert started.process.wait(PATIENCE_SECONDS) == 0
    assert by_name(board.call("stop"))["done"]  # there is nothing left to stop


def test_what_does_not_stop_is_killed(board: Board) -> None:
    assert GRACE_SECONDS < 2
    started = board.begin()
    started.until("first")
    os.kill(worker_of(board.folder()), signal.SIGSTOP)
    board.call("stop")
    ended = by_name(started.until("ended"))["ended"]
    assert (ended["code"], ended["why"]) == (-signal.SIGKILL, "stopped")
    assert started.process.wait(PATIENCE_SECONDS) == 0


@pytest.mark.parametrize(
    ("limits", "why"),
    [
        ({"silent": 3}, "no answer within 3 s"),
        ({"limit": 3}, "not done within 3 s"),
    ],
)
def test_a_job_ends_at_its_limit_with_nobody_there(
    board: Board, limits: dict[str, float], why: str
) -> None:
    started = board.begin(**limits)
    started.until("started")
    os.kill(worker_of(board.folder()), signal.SIGSTOP)
    started.cut()
    board.folder().wait()
    ended = by_name(board.call("follow"))["ended"]
    assert (ended["code"], ended["why"]) == (-signal.SIGKILL, why)


def test_one_job_at_a_time(board: Board) -> None:
    first = board.begin("a-1", owner="$(anna)@desk; 'x'")
    first.until("first")
    rows = by_name(board.call("start", "b-1", jobs=board.bench("b-1")))
    assert rows["busy"]["owner"] == "$(anna)@desk; 'x'" and rows["busy"]["since"]
    assert not board.folder("b-1").path.exists()
    waiting = board.begin("b-1", seconds=0.05, wait=PATIENCE_SECONDS)
    waiting.until("waiting")
    board.call("stop", "a-1")
    assert by_name(waiting.until("ended"))["waited"]
    assert by_name(first.until("ended"))["ended"]["code"] == 0


def test_who_is_gone_while_it_waits_starts_nothing(board: Board) -> None:
    first = board.begin("a-1")
    first.until("first")
    waiting = board.begin("b-1", wait=PATIENCE_SECONDS)
    waiting.until("waiting")
    assert waiting.process.stdout is not None
    waiting.process.stdout.close()
    board.call("stop", "a-1")
    assert waiting.process.wait(PATIENCE_SECONDS) == 1
    assert not board.folder("b-1").path.exists()
    first.cut()


def test_a_start_that_finds_its_jobs_begun_follows_them(board: Board) -> None:
    """The link was lost, and made again, while they waited: the first start got the lock."""
    first = board.begin("a-1")
    first.until("first")
    waiting = board.begin("b-1", wait=PATIENCE_SECONDS)
    waiting.until("waiting")
    again = board.begin("b-1", wait=PATIENCE_SECONDS)
    again.until("waiting")
    board.call("stop", "a-1")
    waiting.until("first")
    assert by_name(again.until("first"))["started"], "while they run"
    board.call("stop", "b-1")
    rows = by_name(again.until("ended"))
    assert rows["done"] and rows["file"] and "failure" not in rows
    assert by_name(waiting.until("ended"))["done"]
    first.cut()


def test_who_waits_for_a_lock_that_was_removed_starts_nothing(board: Board) -> None:
    first = board.begin("a-1")
    first.until("first")
    waiting = board.begin("b-1", wait=PATIENCE_SECONDS)
    waiting.until("waiting")
    (board.jobs / "lock").unlink()
    board.call("stop", "a-1")
    assert waiting.process.stdout is not None
    row = json.loads(waiting.process.stdout.readlines()[-1])
    assert "removed meanwhile" in row["error"] and "run the command again" in row["hint"]
    first.cut()


def test_a_file_that_made_room_while_the_jobs_waited_is_asked_for_again(board: Board) -> None:
    first = board.begin("a-1")
    first.until("first")
    store = board.root / "store"
    store.mkdir()
    (store / "x.tflite").write_bytes(b"12345")
    waiting = board.begin("b-1", wait=PATIENCE_SECONDS, store=store, need="x.tflite:5")
    waiting.until("waiting")
    (store / "x.tflite").unlink()
    board.call("stop", "a-1")
    assert waiting.until("missing")[-1]["names"] == ["x.tflite"]
    assert waiting.process.wait(PATIENCE_SECONDS) == 1
    assert board.folder("b-1").started is None
    first.cut()


def test_a_lock_whose_owner_was_killed_is_stale(board: Board) -> None:
    first = board.begin("a-1", owner="anna@desk")
    first.until("first")
    worker = worker_of(board.folder())
    assert board.folder().started is not None
    os.kill(board.folder().started["pid"], signal.SIGKILL)  # type: ignore[index]
    rows = by_name(first.until("ended"))
    assert (rows["ended"]["code"], rows["ended"]["why"]) == (None, "its agent was killed")
    eventually(lambda: "worker" not in command_line(worker))  # it did not outlive it
    rows = by_name(board.call("start", "b-1", jobs=board.bench("b-1")))
    assert rows["started"]["stale"] == "anna@desk" and rows["done"]
    assert DeviceLock(board.jobs / "lock").holder() == {}


def test_a_worker_that_hangs_does_not_outlive_its_watcher(board: Board) -> None:
    """Stopped, as in native code that never returns: none of its own threads runs any more."""
    started = board.begin()
    started.until("first")
    worker = worker_of(board.folder())
    os.kill(worker, signal.SIGSTOP)
    assert board.folder().started is not None
    os.kill(board.folder().started["pid"], signal.SIGKILL)  # type: ignore[index]
    try:
        eventually(lambda: "worker" not in command_line(worker))
        assert not board.folder().running
    finally:
        with suppress(ProcessLookupError):
            os.kill(worker, signal.SIGKILL)


def test_stop_ends_the_worker_and_nobody_who_has_the_watcher_s_number(tmp_path: Path) -> None:
    folder = JobFolder(tmp_path / "a-1")
    alive = folder.prepare(b"")
    sleep = [sys.executable, "-c", "import time; time.sleep(600)"]
    with (
        subprocess.Popen(sleep, start_new_session=True) as other,
        subprocess.Popen(sleep, start_new_session=True, pass_fds=(alive,)) as worker,
    ):
        try:
            os.close(alive)
            folder.write_started(other.pid, worker.pid)
            file = folder.path / "started.json"
            file.write_text(json.dumps({**json.loads(file.read_text()), "began": "1"}))
            stop(folder)
            assert worker.wait(PATIENCE_SECONDS) == -signal.SIGKILL
            assert other.poll() is None and not folder.running
        finally:
            worker.kill()
            other.kill()


def test_what_a_worker_says_fills_no_card(tmp_path: Path) -> None:
    """A runtime that warns at every call, or an artifact made to fill the board."""
    path, mega = tmp_path / "log", 1 << 20
    code = f"import sys; sys.stderr.write('first\\n' + 'x' * {20 * mega} + '\\nlast words\\n')"
    with subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        log = WorkerLog(path, process.stderr)
        assert process.wait(PATIENCE_SECONDS) == 0
        log.close()
    text = path.read_bytes()
    assert len(text) < 3 * KEPT_BYTES
    assert text.startswith(b"first\n") and text.endswith(b"x\nlast words\n")
    assert b" bytes are left out]" in text


def test_a_board_that_was_restarted_says_so(board: Board) -> None:
    board.call("start", jobs=board.bench())
    folder = board.folder().path
    (folder / "ended.json").unlink()
    (folder / "started.json").write_text('{"pid": 1, "boot": "another"}')
    ended = by_name(board.call("follow"))["ended"]
    assert (ended["code"], ended["why"]) == (None, "the board was restarted")


def test_a_crash_shows_its_last_words(board: Board) -> None:
    started = board.begin()
    started.until("first")
    os.kill(worker_of(board.folder()), signal.SIGSEGV)
    assert by_name(started.until("ended"))["ended"]["code"] == -signal.SIGSEGV
    with board.folder().log.open("a") as log:
        log.write("the runtime said\nlast words\n")
    assert by_name(board.call("follow"))["ended"]["log"] == "last words"


@pytest.mark.parametrize(
    ("jobs", "error"),
    [
        (b"", "do not end with a whole line"),
        (b'{"protocol": 1, "job": "bench"', "do not end with a whole line"),
        (b'{"protocol": 99, "job": "bench"}\n', "protocol 99"),
        (b"[]\n", "not a line of the protocol"),
    ],
)
def test_jobs_that_did_not_come_whole_are_not_begun(board: Board, jobs: bytes, error: str) -> None:
    (row,) = board.call("start", jobs=jobs)
    assert row["row"] == "trouble" and error in row["error"]
    assert not board.jobs.exists()


def test_a_file_that_is_not_there_is_asked_for(board: Board) -> None:
    store = board.root / "store"
    words = {"store": store, "need": "0123.tflite:5"}
    (row,) = board.call("start", jobs=board.bench(), **words)
    assert (row["row"], row["names"]) == ("missing", ["0123.tflite"])
    (store / "0123.tflite").write_bytes(b"1234")  # cut short
    assert board.call("start", jobs=board.bench(), **words)[0]["row"] == "missing"
    (store / "0123.tflite").write_bytes(b"12345")
    assert by_name(board.call("start", jobs=board.bench(), **words))["done"]


@pytest.mark.parametrize("need", ["../x:5", "a/b:5", "x", "x:-1", "..:5", ":5"])
def test_a_name_is_no_path(board: Board, need: str) -> None:
    (row,) = board.call("start", jobs=board.bench(), store=board.root / "store", need=need)
    assert row["row"] == "trouble" and "NAME:BYTES" in row["error"]


def test_what_was_used_longest_ago_makes_room(tmp_path: Path) -> None:
    for age, name in enumerate(["new", "needed", "old", "oldest"]):
        (tmp_path / name).write_bytes(b"0" * 10)
        os.utime(tmp_path / name, (1_000 - age, 1_000 - age))
    needs = {"needed": 10, "coming": 10}
    assert missing(tmp_path, needs) == ("coming",)
    make_room(tmp_path, needs, most_bytes=30)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["needed", "new"]


def test_a_card_with_little_room_keeps_less(tmp_path: Path) -> None:
    for age, name in enumerate(["new", "needed", "old", "oldest"]):
        (tmp_path / name).write_bytes(b"0" * 10)
        os.utime(tmp_path / name, (1_000 - age, 1_000 - age))
    needs = {"needed": 10, "coming": 10}
    make_room(tmp_path, needs, free_bytes=SPARE_BYTES + 10)
    assert len(list(tmp_path.iterdir())) == 4, "there is room"
    make_room(tmp_path, needs, free_bytes=SPARE_BYTES - 5)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["needed", "new"]


def test_folders_that_are_done_with_are_dropped(board: Board) -> None:
    board.call("start", "a-1", jobs=board.bench("a-1"))
    rows = board.call("start", "a-2", jobs=board.bench("a-2"), drop="a-1")
    assert by_name(rows)["done"] and not board.folder("a-1").path.exists()
    assert by_name(board.call("remove", "a-2"))["done"]
    assert [p.name for p in board.jobs.iterdir()] == ["lock"]


def test_a_job_that_runs_is_stopped_before_it_is_removed(board: Board) -> None:
    started = board.begin()
    started.until("first")
    assert by_name(board.call("remove"))["done"]
    assert not board.folder().path.exists()
    started.cut()


def test_nothing_but_folders_of_jobs_is_removed(board: Board) -> None:
    other = board.jobs / "precious"
    other.mkdir(parents=True)
    (other / "photo").write_text("x")
    (row,) = board.call("remove", "precious")
    assert row["row"] == "trouble" and (other / "photo").exists()
    with pytest.raises(UsageError, match="no folder of jobs"):
        JobFolder(other).remove()


def test_folders_that_nobody_came_back_for_go_after_a_day(board: Board) -> None:
    board.call("start", jobs=board.bench())
    day = 86_400.0
    forget_old(board.jobs, time.time(), 30 * day)
    assert board.folder().path.exists()
    forget_old(board.jobs, time.time() + 30 * day, 600)
    assert board.folder().path.exists(), "the board's clock was set, ten minutes after its start"
    forget_old(board.jobs, time.time() + 1.1 * day, 30 * day)
    assert not board.folder().path.exists()
    board.call("start", jobs=board.bench())
    (board.folder().path / "started.json").write_text('{"pid": 1, "boot": "another"}')
    forget_old(board.jobs, time.time() + 1.1 * day, 600)
    assert not board.folder().path.exists(), "of before a restart"


def limited(size_bytes: int) -> Callable[[], None]:
    """No file may be larger, as on a disk that is full."""
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, size_bytes))


@pytest.mark.parametrize(
    ("size_bytes", "name"), [(ENDED_BYTES, "failure"), (ENDED_BYTES - 1, "trouble")]
)
def test_a_full_disk_is_a_failure_row(board: Board, size_bytes: int, name: str) -> None:
    done = subprocess.run(
        board.words("start"),
        input=board.bench(seconds=1),
        capture_output=True,
        timeout=PATIENCE_SECONDS,
        preexec_fn=limited(size_bytes),
    )
    rows = by_name([json.loads(line) for line in done.stdout.splitlines()])
    assert ("cannot write" if name == "failure" else "too large") in rows[name]["error"]
    assert ("ended" in rows) is (name == "failure")


def test_the_agent_needs_no_numpy() -> None:
    code = (
        "import sys, edgewright_runtimes.agent.__main__, edgewright_runtimes.agent.start, "
        "edgewright_runtimes.agent.stop; print('numpy' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"

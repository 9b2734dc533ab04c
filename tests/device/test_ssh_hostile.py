"""A board that answers anything: a failure row, and no more on this machine than was asked for."""

from __future__ import annotations

import ast
import base64
import io
import json
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.device.board_here import BoardHere, bench_job, predict_job
from tests.device.ssh_server import SshServer

from edgewright.targets.ssh.errand import MAX_PUSHES, MAX_ROWS, MOST_ROWS_BYTES, Errand
from edgewright.targets.ssh.files import ContentNames, move
from edgewright.targets.ssh.link import Link
from edgewright.targets.ssh.rows import ENVIRONMENT, BadRow, read_row
from edgewright.targets.ssh.target import SshTarget
from edgewright_runtimes import environment
from edgewright_runtimes.agent import watch
from edgewright_runtimes.environment import read_environment, read_ticks
from edgewright_runtimes.protocol import PROTOCOL
from edgewright_runtimes.timing import MAX_SAMPLES

STARTED = {"row": "started", "stale": ""}
LOADED = {
    "row": "loaded",
    "load_ns": 1,
    "in_force": {"runtime": "null"},
    "inputs": [{"name": "x", "dtype": "float32", "shape": [None, 4]}],
    "outputs": [],
}
FIRST = {"row": "first", "ns": 5}
SAMPLES = {
    "row": "samples",
    "file": "../../../etc/passwd",
    "warmup_samples": 1,
    "calls_per_sample": 1,
    "partial": False,
}
DONE = {"row": "done"}
TROUBLE = {"row": "trouble", "error": "its disk is full", "hint": ""}
ENDED = {"row": "ended", "code": 0, "why": "", "log": ""}


def line(row: dict[str, Any]) -> bytes:
    return json.dumps({"protocol": PROTOCOL, **row}).encode() + b"\n"


def reading(values: bytes) -> bytes:
    row = b'{"protocol": 1, "row": "environment", "when": "before", "values": %s}'
    return row % values


def npy(values: Any) -> bytes:
    stream = io.BytesIO()
    np.save(stream, np.asarray(values), allow_pickle=True)
    return stream.getvalue()


def file(data: bytes, **more: Any) -> dict[str, Any]:
    text = base64.b64encode(data).decode()
    return {"row": "file", "name": "samples.npy", "at": 0, "of": len(data), "data": text, **more}


GOOD = file(npy([10, 20, 30]))


def bench_errand(folder: Path) -> Errand:
    names = ContentNames()
    return Errand(move(bench_job(folder), names, store="/there/store", folder="/there/jobs/a-1"))


def take(errand: Errand, *rows: dict[str, Any]) -> list[Any]:
    errand.begin()
    return [told for row in rows for told in errand.take(line(row))]


def test_a_good_board_is_taken_at_its_word(tmp_path: Path) -> None:
    errand = bench_errand(tmp_path)
    rows = take(errand, STARTED, LOADED, FIRST, SAMPLES, DONE, GOOD, ENDED)
    assert [r["row"] for r in rows] == ["loaded", "first", "samples", "done"]
    assert rows[2]["file"] == str(tmp_path / "samples.npy") and errand.over
    assert list(np.load(tmp_path / "samples.npy")) == [10, 20, 30]


def test_a_file_that_broke_off_comes_from_its_beginning(tmp_path: Path) -> None:
    errand, data = bench_errand(tmp_path), npy([10, 20, 30])
    parts = [file(data[:9], of=len(data)), file(data[9:], at=9, of=len(data))]
    take(errand, STARTED, LOADED, FIRST, SAMPLES, DONE, parts[0])
    rows = take(errand, *parts, ENDED)
    assert rows[-1]["row"] == "done" and list(np.load(tmp_path / "samples.npy")) == [10, 20, 30]


BAD_FILES = {
    "no file": [],
    "another's": [file(b"x", name="outputs.npz")],
    "a path": [file(b"x", name="../../samples.npy")],
    "cut short": [file(npy([1, 2, 3]), of=10_000)],
    "too long": [file(npy([1, 2, 3]), of=3)],
    "beyond all limits": [file(npy([1, 2, 3]), of=1 << 40)],
    "a hole": [file(npy([1, 2, 3])[:9], of=152), file(npy([1, 2, 3])[10:], at=10, of=152)],
    "anew and anew": [file(b"x", of=9), file(b"x", of=9)],
    "no base64": [{**file(b"x"), "data": "%%%%"}],
    "nothing, for ever": [file(b"", of=9)],
    "floats": [file(npy([1.0, np.nan]))],
    "a table": [file(npy([[1, 2], [3, 4]]))],
    "a pickle": [file(npy([{"a": print}]))],
    "negative": [file(npy([1, -2, 3]))],
    "no time at all": [file(npy([1, 0, 3]))],
    "too many": [file(npy(np.ones(MAX_SAMPLES + 1, np.int64)))],
    "no array": [file(b"\x93NUMPY\x01\x00\xff\xff{")],
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_a_file_that_can_not_be_is_refused(tmp_path: Path, name: str) -> None:
    errand = bench_errand(tmp_path)
    with pytest.raises(BadRow) as raised:
        take(errand, STARTED, LOADED, FIRST, SAMPLES, DONE, *BAD_FILES[name], ENDED)
    row = errand.failed(str(raised.value.args[0]), "", stage="transport")
    assert row["error"].isprintable() and len(row["error"]) < 1_000
    assert not list(tmp_path.glob(".*"))


def test_nothing_is_done_before_it_is_started(tmp_path: Path) -> None:
    with pytest.raises(BadRow):
        take(bench_errand(tmp_path), DONE)
    with pytest.raises(BadRow):
        take(bench_errand(tmp_path), {**TROUBLE, "row": "failure", "stage": "run"})


@pytest.mark.parametrize("before", [[], [STARTED, LOADED, FIRST], [STARTED, LOADED, DONE]])
def test_what_troubles_the_agent_is_told_and_ends_it(tmp_path: Path, before: list[Any]) -> None:
    errand = bench_errand(tmp_path)
    row = take(errand, *before, TROUBLE)[-1]
    assert (row["row"], row["stage"], row["error"]) == ("failure", "transport", "its disk is full")
    assert row["hint"] and errand.over and errand.lost


def test_rows_have_a_size_that_they_may_reach_together(tmp_path: Path) -> None:
    words = {f"{n}": "x" * 500 for n in range(100)}
    row = {**LOADED, "in_force": words}
    errand = bench_errand(tmp_path)
    take(errand, STARTED, *[row] * (MOST_ROWS_BYTES // len(line(row))))
    with pytest.raises(BadRow, match="more than 16 MB"):
        take(errand, row)
    assert MOST_ROWS_BYTES == watch.MOST_ROWS_BYTES
    with pytest.raises(BadRow, match="of 100 entries at most"):
        take(bench_errand(tmp_path), STARTED, {**row, "in_force": {**words, "one more": ""}})


def test_a_file_is_pushed_so_often_and_no_more(tmp_path: Path) -> None:
    errand = bench_errand(tmp_path)
    wanted = {"row": "missing", "names": list(errand.moved.needs)}
    take(errand, *[wanted] * MAX_PUSHES)
    with pytest.raises(BadRow, match="does not need, or has"):
        take(errand, wanted)


@pytest.mark.parametrize(
    "rows",
    [
        [FIRST],
        [SAMPLES],
        [LOADED, SAMPLES],
        [DONE, ENDED],
        [LOADED, FIRST, DONE, ENDED],
        [LOADED, {"row": "outputs", "file": "x"}],
        [LOADED, DONE, FIRST],
        [{"row": "missing", "names": ["../../etc/passwd"]}],
        [{"row": "progress", "done": 0, "of": 1}] * (MAX_ROWS + 1),
        [{"row": "waiting"}] * (MAX_ROWS + 1),
    ],
)
def test_rows_in_no_order_that_there_is(tmp_path: Path, rows: list[dict[str, Any]]) -> None:
    with pytest.raises(BadRow):
        take(bench_errand(tmp_path), STARTED, *rows)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"[]",
        b"7",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"row": "done"}',
        b'{"protocol": 2, "row": "done"}',
        b'{"protocol": 1, "row": "gift"}',
        b'{"protocol": 1, "row": ["done"]}',
        b'{"protocol": 1, "row": "first"}',
        b'{"protocol": 1, "row": "first", "ns": NaN}',
        b'{"protocol": 1, "row": "first", "ns": -1}',
        b'{"protocol": 1, "row": "first", "ns": true}',
        b'{"protocol": 1, "row": "first", "ns": 1.5}',
        b'{"protocol": 1, "row": "first", "ns": 1' + b"0" * 400 + b"}",
        b'{"protocol": 1, "row": "first", "ns": 1' + b"0" * 9_000 + b"}",
        b'{"protocol": 1, "row": "progress", "done": 1e999, "of": 1}',
        b'{"protocol": 1, "row": "progress", "of": 1, "done": 1' + b"0" * 400 + b"}",
        b'{"protocol": 1, "row": "progress", "done": Infinity, "of": 1}',
        b'{"protocol": 1, "row": "environment", "when": "never", "values": {}}',
        b'{"protocol": 1, "row": "environment", "when": "before", "values": [1]}',
        reading(b'{"a": NaN}'),
        reading(b'{"work_ns": "abc"}'),
        reading(b'{"work_ns": [1]}'),
        reading(b'{"work_ns": true}'),
        reading(b'{"work_ns": 1' + b"0" * 400 + b"}"),
        reading(b'{"temperature_c": -1e999}'),
        reading(b'{"governor": 7}'),
        b'{"protocol": 1, "row": "failure", "stage": "party", "error": "x", "hint": ""}',
        b'{"protocol": 1, "row": "ended", "code": 1e9, "why": "", "log": ""}',
    ],
)
def test_a_line_that_is_no_row(text: bytes) -> None:
    with pytest.raises(BadRow) as raised:
        read_row(text)
    assert str(raised.value).isprintable() and len(str(raised.value)) < 2_000


def test_of_a_reading_only_what_is_known_is_taken() -> None:
    values = b'{"temperature_c": -3.5, "governor": "x\\u001b[2J", "gift": "x", "clock_mhz": null}'
    known = read_row(reading(values))["values"]
    assert known == {"temperature_c": -3.5, "governor": "x\\x1b[2J"}


def test_every_field_of_an_honest_reading_is_known() -> None:
    ticks = read_ticks()
    values = read_environment(since=ticks) | {"seconds": 0.5}
    row = line({"row": "environment", "when": "after", "values": values})
    assert read_row(row)["values"] == values
    source = ast.parse(Path(environment.__file__).read_text())
    tables = [node for node in ast.walk(source) if isinstance(node, ast.Dict)]
    names = {key.value for table in tables for key in table.keys if isinstance(key, ast.Constant)}
    assert names == set(ENVIRONMENT) - {"seconds"}  # of a worker, in the middle of its round


def test_what_a_board_says_does_not_act_on_a_terminal() -> None:
    said = {"row": "failure", "stage": "run", "error": "\x1b]0;x\x07" + "a" * 9_000, "hint": None}
    row = read_row(line(said))
    assert row["error"].isprintable() and len(row["error"]) < 2_000 and row["hint"] == ""


# -- through a link -----------------------------------------------------------------------------


@dataclass(frozen=True)
class HostileBoard(BoardHere):
    """Whatever it is asked, it does this instead."""

    python: str = ""

    def argv(self, *words: str, runtime: str = "null") -> list[str]:
        return [sys.executable, "-c", self.python]


HOSTILE = {
    "gigabytes": "import os\nwhile True: os.write(1, b'x' * 65536)",
    "rows without end": ('while True: print(\'{"protocol": 1, "row": "waiting"}\', flush=True)'),
    "no word": "",
    "an error": r"raise SystemExit('no \x1b]0;x\x07')",
    "noise": "print('hello')",
    "files without end": (
        'print(\'{"protocol": 1, "row": "started"}\')\n'
        "at = 0\n"
        "while True:\n"
        '    print(\'{"protocol": 1, "row": "file", "name": "samples.npy", "at": %d, '
        '"of": 1000000000000, "data": "%s"}\' % (at, "AAAA" * 9999)); at += 3 * 9999\n'
    ),
}


@pytest.fixture
def target_of(sshd: SshServer) -> Iterator[Any]:
    opened: list[SshTarget] = []

    def make(python: str) -> SshTarget:
        link = Link(sshd.destination, options=sshd.options)
        board = HostileBoard(home=sshd.home, python=python)
        opened.append(SshTarget("ssh:pi", link, lambda: board))  # type: ignore[arg-type,return-value]
        return opened[-1]

    yield make
    for target in opened:
        target.close()


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("job", [bench_job, predict_job])
def test_a_hostile_board_costs_a_row(target_of: Any, tmp_path: Path, name: str, job: Any) -> None:
    folder = tmp_path / "work"
    folder.mkdir()
    asked = job(folder)
    before = {p.name for p in folder.iterdir()}
    target = target_of(HOSTILE[name])
    with closing(target.start("null", folder=folder, limit_seconds=5)) as worker:
        last = list(worker.rows(asked))[-1]
    assert (last["row"], last["stage"]) == ("failure", "transport")
    assert last["hint"] and last["error"].isprintable()
    assert {p.name for p in folder.iterdir()} == before

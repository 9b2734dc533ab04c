"""Rows on their way back: none lost, none twice, and none that is not of the protocol."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from tests.toolkit.page_client import DONE, FIRST, LOADED, SAMPLES, SPEC, Page, npy
from tests.toolkit.web.jobs import TIMES, Running, bench, failed

from edgewright.targets.web.guard import Bucket
from edgewright.targets.web.seats import Seat
from edgewright.targets.web.server import PageServer


def test_a_round_from_job_to_samples(seat: Seat, page: Page, tmp_path: Path) -> None:
    running = Running(seat, bench(tmp_path))
    job = page.job()
    assert job["samples_file"] == "out/1/samples"
    assert page.rows("1", LOADED, FIRST).json() == {"next": 2}
    assert page.put(job["samples_file"], npy(TIMES)).status == 200
    assert page.rows("1", SAMPLES, DONE, first=2).json()["next"] == 4
    rows = running.ended()
    assert [r["row"] for r in rows] == ["loaded", "first", "samples", "done"]
    assert rows[2]["file"] == str(tmp_path / "samples.npy")
    assert np.load(tmp_path / "samples.npy").tolist() == [3, 4, 5]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["samples.npy"]


def test_rows_sent_again_count_once_and_missing_ones_are_asked_for(
    seat: Seat, page: Page, tmp_path: Path
) -> None:
    running = Running(seat, bench(tmp_path))
    page.job()
    page.rows("1", LOADED, FIRST)
    assert page.rows("1", LOADED, FIRST, {"row": "progress", "done": 0.5}).json()["next"] == 3
    gap = page.rows("1", {"row": "progress", "done": 0.9}, first=5)
    assert (gap.status, gap.json()["next"]) == (200, 3)
    page.put("out/1/samples", npy(TIMES))
    page.rows("1", {"row": "progress", "done": 0.6}, SAMPLES, DONE, first=3)
    shown = [r["row"] for r in running.ended()]
    assert shown == ["loaded", "first", "progress", "progress", "samples", "done"]


def test_the_same_rows_from_many_senders_count_once(seat: Seat, page: Page, tmp_path: Path) -> None:
    running = Running(seat, bench(tmp_path))
    page.job()
    many = [{"row": "progress", "done": float(i)} for i in range(40)]
    senders = [
        threading.Thread(target=lambda a=a: page.rows("1", *many[a : a + 10], first=a))
        for a in (0, 0, 10, 5, 0, 20, 30, 15)
    ]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    at = page.rows("1").json()["next"]
    page.rows("1", *many[at:], {"row": "failure", "stage": "run", "error": "x"}, first=at)
    assert [r.get("done") for r in running.ended()[:-1]] == [float(i) for i in range(40)]


BAD_LINES = [
    b"no json", b"[1]", b"{}", b"\xff\xfe", b"[" * 5_000,
    b'{"protocol":1,"seq":0,"row":"nonsense"}',
    b'{"protocol":1,"row":"first","ns":1}',
    b'{"protocol":1,"seq":-1,"row":"done"}',
    b'{"protocol":1,"seq":0,"row":"first","ns":1}',  # before ``loaded``
    b'{"protocol":1,"seq":0,"row":"done"}',  # without samples
    b'{"protocol":1,"seq":0,"row":"progress","done":NaN,"of":1}',
    b'{"protocol":1,"seq":0,"row":"progress","done":"x","of":1}',
    b'{"protocol":1,"seq":0,"row":"failure","stage":"nowhere","error":"x"}',
    b'{"protocol":1,"seq":0,"row":"environment","when":"before","values":{"a":{"b":1}}}',
    json.dumps({**LOADED, "protocol": 1, "seq": 0, "load_ns": 2**70}).encode(),
    json.dumps({**LOADED, "protocol": 1, "seq": 0, "in_force": {"a": "x" * 2_000}}).encode(),
    json.dumps({**LOADED, "protocol": 1, "seq": 0, "inputs": [SPEC] * 1_001}).encode(),
]  # fmt: skip


@pytest.mark.parametrize("line", BAD_LINES, ids=range(len(BAD_LINES)))
def test_what_is_no_row_costs_the_job_and_nothing_else(
    seat: Seat, page: Page, tmp_path: Path, line: bytes
) -> None:
    running = Running(seat, bench(tmp_path))
    page.job()
    assert page.ask("POST", "rows/1", line).status == 400
    assert failed(running.ended()).startswith("transport: what the page sent is refused: ")
    assert page.rows("1", LOADED).status == 409
    again = Running(seat, {"job": "probe"})  # the seat goes on
    assert page.job("1")["id"] == "2"
    page.rows("2", {"row": "probe", "values": {}}, DONE)
    assert [r["row"] for r in again.ended()] == ["probe", "done"]


def test_another_protocol_is_told_to_reload(seat: Seat, page: Page, tmp_path: Path) -> None:
    running = Running(seat, bench(tmp_path))
    page.job()
    reply = page.ask("POST", "rows/1", b'{"protocol":2,"seq":0,"row":"new-kind"}')
    assert (reply.status, reply.json()["protocol"]) == (426, 1)
    assert page.ask("GET", "job?have=1&protocol=2").status == 426
    page.rows("1", {"row": "failure", "stage": "load", "error": "x"})
    assert failed(running.ended()) == "load: x"


def test_words_of_a_page_are_fit_to_be_shown(seat: Seat, page: Page, tmp_path: Path) -> None:
    running = Running(seat, bench(tmp_path))
    page.job()
    error = "\x1b[2J\x1b]0;owned\x07 two\nlines " + "long " * 1_000
    page.rows("1", {"row": "failure", "stage": "run", "error": error, "hint": "\u202ehint"})
    row = running.ended()[-1]
    assert str(row["error"]).isprintable() and len(str(row["error"])) <= 500
    assert str(row["error"]).startswith("[2J ]0;owned two lines long")
    assert row["hint"] == "hint"


def test_rows_of_too_many_bytes_end_their_job(seat: Seat, page: Page, tmp_path: Path) -> None:
    running = Running(seat, bench(tmp_path))
    page.job()
    assert page.ask("POST", "rows/1", b" " * ((1 << 20) + 1)).status == 413
    assert "rows of more than 1048576 bytes" in failed(running.ended())


def test_rows_that_need_a_file_wait_for_it(seat: Seat, page: Page, tmp_path: Path) -> None:
    running = Running(seat, bench(tmp_path))
    page.job()
    assert page.rows("1", LOADED, FIRST, SAMPLES).status == 400
    assert "'samples' came before its file" in failed(running.ended())


def test_time_that_did_not_pass_is_no_sample(seat: Seat, page: Page, tmp_path: Path) -> None:
    running = Running(seat, bench(tmp_path))
    page.job()
    page.put("out/1/samples", npy(np.array([0, 5, 0], np.int64)))
    assert page.rows("1", LOADED, FIRST, SAMPLES).status == 400
    assert "took no time" in failed(running.ended())


def test_a_flood_of_rows_is_slowed_down(seat: Seat, page: Page, tmp_path: Path) -> None:
    running = Running(seat, bench(tmp_path))
    page.job()
    flood = [{"row": "progress", "done": 0.0}] * 600
    replies = [page.rows("1", *flood, first=600 * i) for i in range(3)]
    assert [r.status for r in replies][:2] == [200, 429]
    assert int(replies[1].headers["retry-after"]) >= 1
    time.sleep(0.1)
    page.rows("1", {"row": "failure", "stage": "run", "error": "x"}, first=600)
    assert failed(running.ended()) == "run: x"


def test_a_flood_of_requests_is_slowed_down(server: PageServer, seat: Seat, page: Page) -> None:
    other = server.open_seat()
    seat.requests = Bucket(1.0, 20.0)
    replies = [page.ask("POST", "seen", b"") for _ in range(40)]
    assert [r.status for r in replies[:20]] == [204] * 20
    assert replies[-1].status == 429 and replies[-1].headers["retry-after"] == "1"
    assert Page(server.url(other)).ask("POST", "seen", b"").status == 204  # the others go on

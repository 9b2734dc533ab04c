"""Rows on their way back: none lost, none twice, and none that is not of the protocol."""

from __future__ import annotations

import io
import json
import socket
import threading
import time
import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from tests.toolkit.page_client import DONE, FIRST, LOADED, SAMPLES, SPEC, Page, Reply, npy, npz
from tests.toolkit.test_web_server import Running

from edgewright.targets.web import seats
from edgewright.targets.web.guard import Bucket
from edgewright.targets.web.seats import MAX_ATTEMPTS, Seat
from edgewright.targets.web.server import PageServer

TIMES = np.array([3, 4, 5], np.int64)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PageServer]:
    site = tmp_path_factory.mktemp("site")
    (site / "index.html").write_text("<!doctype html>")
    with PageServer(site=site) as running:
        yield running


@pytest.fixture
def seat(server: PageServer) -> Iterator[Seat]:
    opened = server.open_seat()
    yield opened
    opened.close()


@pytest.fixture
def page(server: PageServer, seat: Seat) -> Page:
    return Page(server.url(seat))


class Clock:
    """The time of the seats: it goes on as it does, and further where a test wants."""

    def __init__(self) -> None:
        self._skipped = 0.0

    def skip(self, seconds: float) -> None:
        self._skipped += seconds

    def monotonic(self) -> float:
        return time.monotonic() + self._skipped


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    shifted = Clock()
    monkeypatch.setattr(seats, "time", shifted)
    return shifted


def bench(tmp_path: Path) -> dict[str, object]:
    return {"job": "bench", "samples_file": str(tmp_path / "samples.npy"), "max_samples": 100}


def predict(tmp_path: Path) -> dict[str, object]:
    np.savez(tmp_path / "in.npz", x=np.zeros((4, 2), np.float32))
    files = {"inputs": str(tmp_path / "in.npz"), "outputs": str(tmp_path / "out.npz")}
    return {"job": "predict", **files}


def failed(rows: list[dict[str, object]]) -> str:
    assert rows[-1]["row"] == "failure", rows
    return f"{rows[-1]['stage']}: {rows[-1]['error']}"


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


def test_outputs_of_the_items(seat: Seat, page: Page, tmp_path: Path) -> None:
    running = Running(seat, predict(tmp_path))
    job = page.job()
    assert job["inputs"] == "file/1/inputs/in.npz"
    assert page.ask("GET", job["inputs"]).body == (tmp_path / "in.npz").read_bytes()
    assert page.put(job["outputs"], npz(kind=np.ones((4, 3), np.float32))).status == 200
    page.rows("1", LOADED, {"row": "outputs", "file": job["outputs"]}, DONE)
    assert running.ended()[1]["file"] == str(tmp_path / "out.npz")
    assert np.load(tmp_path / "out.npz")["kind"].shape == (4, 3)


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


BAD_SAMPLES = {
    "float": npy(np.zeros(3)),
    "two dimensions": npy(np.zeros((3, 1), np.int64)),
    "negative": npy(np.array([1, -1], np.int64)),
    "nonsense": b"x" * 100,
    "cut": npy(TIMES)[:-4],
    "more than its header says": npy(TIMES) + b"12345678",
    "a header that is no Python": npy(TIMES).replace(b"{'descr'", b"((((((((", 1),
    "objects": npy(TIMES).replace(b"'<i8'", b"'|O' "),
}


@pytest.mark.parametrize("name", BAD_SAMPLES)
def test_samples_that_are_none(seat: Seat, page: Page, tmp_path: Path, name: str) -> None:
    running = Running(seat, bench(tmp_path))
    page.job()
    page.rows("1", LOADED, FIRST)
    assert page.put("out/1/samples", BAD_SAMPLES[name]).status == 400
    assert "refused" in failed(running.ended())
    assert list(tmp_path.iterdir()) == []


def two_members(*names: str) -> bytes:
    stream = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(stream, "w") as archive:
        warnings.simplefilter("ignore")
        for name in names:
            archive.writestr(name, npy(np.ones((4, 1), np.float32)))
    return stream.getvalue()


BAD_OUTPUTS = {
    "other items": npz(kind=np.ones((5, 3), np.float32)),
    "a scalar": npz(kind=np.float32(1)),
    "text": npz(kind=np.array(["a"] * 4)),
    "nonsense": b"x" * 100,
    "two of a name": two_members("kind.npy", "kind.npy"),
}


@pytest.mark.parametrize("name", BAD_OUTPUTS)
def test_outputs_that_are_none(seat: Seat, page: Page, tmp_path: Path, name: str) -> None:
    running = Running(seat, predict(tmp_path))
    page.job()
    page.rows("1", LOADED)
    assert page.put("out/1/outputs", BAD_OUTPUTS[name]).status == 400
    assert "refused" in failed(running.ended())
    assert not (tmp_path / "out.npz").exists()


def test_a_small_file_that_would_unpack_to_a_large_one(
    seat: Seat, page: Page, tmp_path: Path
) -> None:
    stream = io.BytesIO()
    np.savez_compressed(stream, kind=np.zeros((4, 4_000_000), np.float32))
    running = Running(seat, predict(tmp_path))
    page.job()
    page.rows("1", LOADED)
    assert page.put("out/1/outputs", stream.getvalue()).status == 400
    assert "not an .npy that is stored as it is" in failed(running.ended())


def test_too_much_is_refused_before_it_is_read(seat: Seat, page: Page, tmp_path: Path) -> None:
    running = Running(seat, bench(tmp_path))
    page.job()
    announced = page.ask("PUT", "out/1/samples", headers={"Content-Length": "999999999"})
    assert announced.status == 413
    assert "samples of more than" in failed(running.ended())
    assert list(tmp_path.iterdir()) == []


def test_rows_of_too_many_bytes_end_their_job(seat: Seat, page: Page, tmp_path: Path) -> None:
    running = Running(seat, bench(tmp_path))
    page.job()
    assert page.ask("POST", "rows/1", b" " * ((1 << 20) + 1)).status == 413
    assert "rows of more than 1048576 bytes" in failed(running.ended())


def test_a_body_without_a_length_is_counted(seat: Seat, page: Page, tmp_path: Path) -> None:
    running = Running(seat, bench(tmp_path))
    page.job()
    piece = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    reply = (
        page.ask("PUT", "out/1/samples", headers={"Transfer-Encoding": "chunked"}) if 0 else None
    )
    assert reply is None

    with socket.create_connection((page.host, page.port), timeout=20) as link:
        head = f"PUT {page.base}out/1/samples HTTP/1.1", "Host: x", "Transfer-Encoding: chunked"
        link.sendall("\r\n".join([*head, "", ""]).encode())
        for _ in range(40):
            link.sendall(piece)
            link.settimeout(0.05)
            try:
                answer = link.recv(100)
                break
            except TimeoutError:
                continue
    assert answer.startswith(b"HTTP/1.1 413")
    assert "samples of more than" in failed(running.ended())


def test_names_that_the_job_does_not_write(seat: Seat, page: Page, tmp_path: Path) -> None:
    running = Running(seat, bench(tmp_path))
    page.job()
    for path in ("out/1/outputs", "out/1/other", "out/1/..%2f..%2fx", "out/1/"):
        assert page.put(path, b"x").status in (404, 405), path
    assert page.put("out/2/samples", b"x").status == 409
    page.rows("1", {"row": "failure", "stage": "run", "error": "x"})
    running.ended()
    assert list(tmp_path.iterdir()) == []


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


def test_silence_is_a_failure(seat: Seat, page: Page, tmp_path: Path) -> None:
    running = Running(seat, bench(tmp_path), limit_seconds=0.6)
    page.job()
    until = time.monotonic() + 5
    while not running.rows and time.monotonic() < until:
        page.ask("POST", "seen", b"")
        time.sleep(0.1)
    assert failed(running.ended()) == "load: no answer within 1 s; stopped"


def test_stage_of_a_death_is_where_it_was(seat: Seat, page: Page, tmp_path: Path) -> None:
    dead: list[str] = []
    running = Running(seat, bench(tmp_path), failed=lambda: dead[0] if dead else None)
    page.job()
    page.rows("1", LOADED, FIRST)
    dead.append("the tab crashed")
    assert failed(running.ended()) == "measure: the tab crashed"


def test_rows_before_a_death_are_all_there(seat: Seat, page: Page, tmp_path: Path) -> None:
    dead: list[str] = []
    running = Running(seat, bench(tmp_path), failed=lambda: dead[0] if dead else None)
    page.job()
    page.put("out/1/samples", npy(TIMES))
    dead.append("the tab was closed")
    page.rows("1", LOADED, FIRST, SAMPLES, DONE)
    assert running.ended()[-1]["row"] in ("done", "failure")


def test_a_job_whose_answer_was_lost_is_given_again(seat: Seat, page: Page, tmp_path: Path) -> None:
    running = Running(seat, bench(tmp_path))
    assert page.job()["id"] == page.job()["id"] == "1"
    page.rows("1", {"row": "failure", "stage": "run", "error": "x"})
    running.ended()


def test_a_page_that_is_loaded_anew_begins_the_job_anew(
    seat: Seat, page: Page, tmp_path: Path
) -> None:
    running = Running(seat, bench(tmp_path))
    page.job()
    page.rows("1", LOADED, FIRST)
    job = page.job()  # the new page has done none
    assert (job["id"], job["samples_file"]) == ("1.2", "out/1.2/samples")
    assert page.rows("1", SAMPLES, first=2).status == 409  # of the old page
    page.put("out/1.2/samples", npy(TIMES))
    page.rows("1.2", LOADED, FIRST, SAMPLES, DONE)
    shown = [r["row"] for r in running.ended()]
    assert shown == ["loaded", "first", "progress", "loaded", "first", "samples", "done"]


def test_a_page_that_is_loaded_anew_for_ever_is_a_failure(
    seat: Seat, page: Page, tmp_path: Path
) -> None:
    running = Running(seat, bench(tmp_path))
    for _ in range(MAX_ATTEMPTS):
        page.rows(page.job()["id"], LOADED)
    assert not isinstance(page.ask("GET", "seen").status, dict)
    waiting = threading.Thread(target=page.job)
    waiting.start()
    assert "loaded anew or away 3 times" in failed(running.ended())
    seat.close()
    waiting.join(5)


def test_a_pause_in_the_middle_of_a_round_begins_it_anew(
    server: PageServer, tmp_path: Path, clock: Clock
) -> None:
    seat = server.open_seat(pause_seconds=30.0)
    page = Page(server.url(seat))
    running = Running(seat, bench(tmp_path), limit_seconds=1e3)
    page.job()
    page.rows("1", LOADED, FIRST)
    poll = threading.Thread(target=lambda: again.append(page.job("1")))
    again: list[dict[str, object]] = []
    poll.start()
    time.sleep(0.2)  # it waits for an answer
    clock.skip(40)  # the screen was locked
    assert page.rows("1", {"row": "progress", "done": 0.5}, first=2).status == 409
    poll.join(10)  # it is answered at once
    assert again[0]["id"] == "1.2"
    page.put("out/1.2/samples", npy(TIMES))
    page.rows("1.2", LOADED, FIRST, SAMPLES, DONE)
    assert running.ended()[-1]["row"] == "done"


def test_requests_of_any_kind_are_no_pause(
    server: PageServer, tmp_path: Path, clock: Clock
) -> None:
    seat = server.open_seat(pause_seconds=30.0)
    page = Page(server.url(seat))
    running = Running(seat, bench(tmp_path), limit_seconds=1e3)
    page.job()
    page.rows("1", LOADED, FIRST)
    for _ in range(5):  # one call after the other that is too long for a row
        clock.skip(10)
        page.ask("POST", "seen", b"")
    page.put("out/1/samples", npy(TIMES))
    assert page.rows("1", SAMPLES, DONE, first=2).status == 200
    assert running.ended()[-1]["row"] == "done"


def test_of_two_tabs_the_newest_has_the_job(server: PageServer, seat: Seat, tmp_path: Path) -> None:
    old, new = (Page(server.url(seat), name=name) for name in ("old", "new"))
    running = Running(seat, bench(tmp_path))
    assert old.job()["id"] == "1"
    waiting: list[Reply] = []
    poll = threading.Thread(target=lambda: waiting.append(old.ask("GET", "job?have=1&page=old")))
    poll.start()
    time.sleep(0.2)
    assert new.job()["id"] == "1.2"
    poll.join(10)
    assert (waiting[0].status, "another tab" in waiting[0].json()["words"]) == (410, True)
    assert old.rows("1", LOADED).status == 409
    assert old.put("out/1/samples", npy(TIMES)).status == 409
    assert old.job() == 410
    new.put("out/1.2/samples", npy(TIMES))
    assert new.rows("1.2", LOADED, FIRST, SAMPLES, DONE).status == 200
    assert [r["row"] for r in running.ended()] == ["loaded", "first", "samples", "done"]


def test_a_question_may_be_loaded_anew_as_often_as_one_likes(
    server: PageServer, seat: Seat
) -> None:
    running = Running(seat, {"job": "ask", "what": "x", "lines": [], "label": "y"})
    for number in range(2 * MAX_ATTEMPTS):
        page = Page(server.url(seat), name=f"load{number}")
        job = page.job()
    page.rows(job["id"], {"row": "ready"}, DONE)
    assert [r["row"] for r in running.ended()] == ["ready", "done"]


def test_a_device_that_comes_back_has_the_whole_limit_again(
    server: PageServer, tmp_path: Path, clock: Clock
) -> None:
    seat = server.open_seat(away_seconds=600.0)
    page = Page(server.url(seat))
    running = Running(seat, bench(tmp_path), limit_seconds=120.0)
    page.job()
    page.rows("1", LOADED)
    clock.skip(300)
    page.ask("POST", "seen", b"")
    time.sleep(0.3)
    page.rows("1", {"row": "failure", "stage": "run", "error": "x"}, first=1)
    assert failed(running.ended()) == "run: x"


def test_a_device_that_is_there_and_says_nothing_is_not_waited_for(
    server: PageServer, tmp_path: Path, clock: Clock
) -> None:
    seat = server.open_seat(away_seconds=600.0)
    page = Page(server.url(seat))
    running = Running(seat, bench(tmp_path), limit_seconds=120.0)
    page.job()
    for _ in range(25):
        clock.skip(5)
        page.ask("POST", "seen", b"")
    assert failed(running.ended()) == "load: no answer within 120 s; stopped"


def test_a_device_that_sleeps_is_waited_for(
    server: PageServer, tmp_path: Path, clock: Clock
) -> None:
    seat = server.open_seat(away_seconds=600.0)
    page = Page(server.url(seat))
    running = Running(seat, bench(tmp_path), limit_seconds=120.0)
    page.job()
    page.rows("1", LOADED)
    clock.skip(500)
    time.sleep(0.3)
    assert page.rows("1", FIRST, first=1).status == 200
    clock.skip(800)
    assert failed(running.ended()) == "measure: the device has been away for 720 s"


def test_a_stop_does_not_wait_for_a_device_that_sleeps(
    server: PageServer, tmp_path: Path, clock: Clock
) -> None:
    seat = server.open_seat(away_seconds=600.0)
    page = Page(server.url(seat))
    running = Running(seat, bench(tmp_path), limit_seconds=120.0)
    page.job()
    page.rows("1", LOADED)
    seat.stop()
    time.sleep(0.3)
    assert len(running.rows) == 1  # a device that is there is waited for
    clock.skip(15)
    assert failed(running.ended()) == "run: stopped while the device was away"


def test_stop_ends_the_job_early(seat: Seat, page: Page, tmp_path: Path) -> None:
    running = Running(seat, bench(tmp_path))
    page.job()
    waiting: list[object] = []
    poll = threading.Thread(target=lambda: waiting.append(page.job("1")))
    poll.start()
    time.sleep(0.2)
    seat.stop()
    poll.join(10)
    assert waiting == [{"protocol": 1, "job": "stop", "id": "1"}]
    assert page.rows("1", LOADED).json() == {"next": 1}
    page.rows("1", DONE, first=1)
    assert [r["row"] for r in running.ended()] == ["loaded", "done"]


def test_last_seen_follows_the_page(seat: Seat, page: Page) -> None:
    time.sleep(0.2)
    before = time.monotonic() - seat.last_seen
    page.ask("POST", "seen", b"")
    assert time.monotonic() - seat.last_seen < before

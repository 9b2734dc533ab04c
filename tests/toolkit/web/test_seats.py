"""A seat and its page: silence, death, a page that is loaded anew, a device that sleeps, a stop."""

from __future__ import annotations

import threading
import time
from pathlib import Path

from tests.toolkit.page_client import DONE, FIRST, LOADED, SAMPLES, Page, Reply, npy
from tests.toolkit.web.conftest import Clock
from tests.toolkit.web.jobs import TIMES, Running, bench, failed

from edgewright.targets.web.seats import MAX_ATTEMPTS, Seat
from edgewright.targets.web.server import PageServer


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

"""Devices that come to a run: each its own rows, its own seat, its own end."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from tests.toolkit.page.phone import ANDROID, IPHONE, Bench, Device
from tests.toolkit.page_client import Page

from edgewright.bundle import Bundle
from edgewright.targets.page import crowd as crowd_module
from edgewright.targets.page.crowd import PageCrowd
from edgewright.targets.page.options import PageOptions
from edgewright.targets.target import Target
from edgewright.targets.web.seats import Seat
from edgewright.targets.web.server import PageServer
from edgewright_runtimes.errors import EdgewrightError


def test_a_device_from_its_tap_to_its_rows(bundle: Path, address: Callable[[], str]) -> None:
    run = Bench(bundle)
    run.start()
    phone = Device(address(), label="Anna's Pixel 7")
    phone.start()
    result = run.ended()
    phone.join(10)
    assert {row.target for row in result.rows} == {"page:anna-s-pixel-7"}
    assert result.exit_code == 0 and result.measured_rounds > 0
    assert phone.asked["label"] == "chrome-android"
    assert "Timing, 0.1 s for each" in str(phone.asked["what"])
    assert all(" in null" in line for line in phone.asked["lines"])  # type: ignore[attr-defined]
    assert all(words.startswith("Timing ") for words in phone.shown)
    assert phone.words == "Done. The results are on the computer that asked."
    row = result.rows[0]
    assert row.in_force == {"threads": "1", "device": "anna-s-pixel-7"}
    assert row.environment["cores"] == 8
    assert row.during and all(reading == {"seconds": 0.1} for reading in row.during)


def test_two_devices_at_once_have_their_own_rows(bundle: Path, address: Callable[[], str]) -> None:
    run = Bench(bundle, page=PageOptions(devices=2))
    run.start()
    slow, fast = (Device(address(), time_ns=t) for t in (8_000_000, 1_000_000))
    fast.tap.clear()
    slow.start()
    fast.start()
    while not slow.shown:
        time.sleep(0.01)
    fast.tap.set()  # while the other one runs
    result = run.ended()
    medians = {row.target: row.summary.median_ns for row in result.rows}
    assert set(medians) == {"page:chrome-android", "page:chrome-android-2"}
    assert sorted(medians.values()) == [1_000_000, 8_000_000]


def test_who_only_looked_is_sent_away(bundle: Path, address: Callable[[], str]) -> None:
    run = Bench(bundle)
    run.start()
    idle, phone = Device(address()), Device(address())
    idle.tap.clear()
    idle.start()
    while not idle.asked:
        time.sleep(0.01)
    phone.start()
    assert run.ended().exit_code == 0
    idle.join(10)
    assert idle.words == "The run is over."


def test_a_device_that_can_not_be_asked_is_named_and_told(
    bundle: Path, address: Callable[[], str], capsys: pytest.CaptureFixture[str]
) -> None:
    class Broken(Device):
        def do(self, page: Page, job: dict[str, object]) -> None:
            error = {"row": "failure", "stage": "load", "error": "no WebAssembly", "hint": ""}
            page.rows(str(job["id"]), error)

    run = Bench(bundle)
    run.start()
    broken, phone = Broken(address()), Device(address(), label="good")
    broken.start()
    broken.join(20)
    assert broken.words == "Nothing runs here: no WebAssembly"
    phone.start()
    assert {row.target for row in run.ended().rows} == {"page:good"}
    said = capsys.readouterr().err
    assert "page:chrome-android (127.0.0.1) is left out: no WebAssembly" in said


def test_a_hostile_device_spoils_its_own_rows_alone(
    bundle: Path, address: Callable[[], str]
) -> None:
    class Hostile(Device):
        def measure(self, page: Page, me: str) -> None:
            page.ask("POST", f"rows/{me}", b'{"protocol":1,"seq":0,"row":"loaded"}')

    run = Bench(bundle, page=PageOptions(devices=2))
    run.start()
    phones = [Hostile(address(), label="bad"), Device(address(), label="good")]
    for phone in phones:
        phone.start()
    result = run.ended()
    assert {row.target for row in result.rows} == {"page:good"}
    assert {f.target for f in result.failures} == {"page:bad"}
    assert all(f.stage == "transport" and "refused" in f.error for f in result.failures)
    assert result.exit_code == 3
    assert {f.target for f in Bundle.open(bundle).failures()} == {"page:bad"}


def test_a_device_that_scans_twice_keeps_its_seat(bundle: Path, address: Callable[[], str]) -> None:
    run = Bench(bundle)
    run.start()
    phone = Device(address())
    door = Page(phone.url)
    first = door.ask("GET", "")
    cookie = first.headers["set-cookie"].split(";")[0]
    assert "HttpOnly" in first.headers["set-cookie"]
    again = door.ask("GET", "", headers={"Cookie": cookie})
    other = door.ask("GET", "")
    assert again.headers["location"] == first.headers["location"] != other.headers["location"]
    phone.start()
    run.ended()


def test_a_device_whose_seat_is_closed_gets_a_new_one(site: Path) -> None:
    opened: list[Seat] = []
    with PageServer(site=site) as server:

        def open_seat(address: str, user_agent: str) -> Seat:
            opened.append(server.open_seat())
            return opened[-1]

        door = Page(server.url(server.open_door(open_seat)))
        cookie = door.ask("GET", "").headers["set-cookie"].split(";")[0]
        opened[0].close("Done.")
        again = door.ask("GET", "", headers={"Cookie": cookie})
        assert len(opened) == 2 and opened[1].token in again.headers["location"]


def test_a_door_does_not_open_for_ever(bundle: Path, address: Callable[[], str]) -> None:
    run = Bench(bundle)
    run.start()
    phone = Device(address())
    page = phone.open()
    replies = [Page(phone.url).ask("GET", "").status for _ in range(12)]
    assert replies.count(303) == crowd_module.MAX_OF_ADDRESS - 1
    assert replies[-1] == 503
    phone.open = lambda: page  # type: ignore[method-assign]
    phone.start()
    assert run.ended().exit_code == 0


def test_an_error_of_a_device_is_raised_where_nothing_was_measured(site: Path) -> None:
    crowd = PageCrowd("page", PageOptions())

    def fail(target: Target) -> None:
        raise EdgewrightError(f"{target.name} can't")

    with pytest.raises(EdgewrightError, match="page:safari-iphone can't"):
        gather(crowd, fail, site, IPHONE)


def test_a_bug_shows_itself(site: Path) -> None:
    def fail(target: Target) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        gather(PageCrowd("page", PageOptions()), fail, site, ANDROID)


def gather(
    crowd: PageCrowd, do: Callable[[Target], None], site: Path, agent: str
) -> Sequence[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("edgewright.targets.web.server.static_site", lambda: site)
        urls: list[str] = []
        patch.setattr(crowd_module, "invitation", lambda url, **_: urls.append(url) or url)

        def come() -> None:
            while not urls:
                time.sleep(0.01)
            phone = Device(urls[0])
            phone.agent = agent
            phone.run()

        threading.Thread(target=come, daemon=True).start()
        try:
            return crowd.each(do, what="x", shown=lambda target: [])
        finally:
            crowd.close()

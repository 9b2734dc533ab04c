"""A server of pages, one seat of it, and a page that this test plays."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.toolkit.page_client import Page

from edgewright.targets.web import seats
from edgewright.targets.web.seats import Seat
from edgewright.targets.web.server import PageServer


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    files = {
        "index.html": b"<!doctype html><title>page</title>",
        "app/main.js": b"export {};",
        "vendor/ort.wasm": b"\0asm",
        "vendor/ort.mjs": b"export {};",
        "secret.txt": b"not for pages",
    }
    for name, content in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


@pytest.fixture(scope="module")
def server(site: Path) -> Iterator[PageServer]:
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

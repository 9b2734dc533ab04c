"""An exported app, opened: what its parts say, and waiting until it is done with itself."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser, Page, Playwright, sync_playwright

from edgewright.targets.browser.finding import browser_row, find_browser

SETTLE_SECONDS = 90.0
STORED = "Stored: this page works without a network."
CAMERA = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")


class Browsers:
    """Started when first asked for, with nothing shut: what keeps a page here is its own policy."""

    def __init__(self, playwright: Playwright) -> None:
        self._playwright = playwright
        self._running: dict[str, Browser] = {}

    def __getitem__(self, name: str) -> Browser:
        if name not in self._running:
            engine = browser_row(name).engine
            program = find_browser(name, named=None, own=None).path
            extra: dict[str, Any] = {"channel": "moz-firefox"} if engine == "firefox" else {}
            if engine == "chromium":
                extra = {"args": CAMERA, "chromium_sandbox": False}
            kind = getattr(self._playwright, engine)
            self._running[name] = kind.launch(executable_path=program, **extra)
        return self._running[name]

    def close(self) -> None:
        for browser in self._running.values():
            browser.close()


@contextmanager
def browsers() -> Iterator[Browsers]:
    with sync_playwright() as playwright:
        running = Browsers(playwright)
        try:
            yield running
        finally:
            running.close()


@contextmanager
def opened(browser: Browser, **options: Any) -> Iterator[Page]:
    """A page of a context of its own, as wide as a telephone; no error may escape in it."""
    context = browser.new_context(**{"viewport": {"width": 390, "height": 844}, **options})
    try:
        page = context.new_page()
        problems: list[str] = []
        page.on("pageerror", lambda error: problems.append(str(error)))
        yield page
        assert not problems
    finally:
        context.close()


def settle(page: Page) -> None:
    """Until the model is open, the self-test done and the site stored, or the page says why not."""
    end = time.monotonic() + SETTLE_SECONDS
    while time.monotonic() < end:
        failed = "bad" in (page.get_attribute("#state", "class") or "")
        if failed or (page.text_content("#offline") or "").strip():
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"not settled: {page.inner_text('body')[:500]}")


def said(page: Page, part: str, *, contains: str = "") -> str:
    """The text of an element, once it contains what is waited for."""
    end = time.monotonic() + 10
    while contains not in (text := page.inner_text(part)) and time.monotonic() < end:
        page.wait_for_timeout(20)
    return text

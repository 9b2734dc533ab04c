"""One browser: started when it is needed and again where it has died, watched, closed.

Used from one thread. What its pages are told to do is said elsewhere (``target``); here is how
they are opened, that they reach nothing but the address they were opened at, and how it shows that
they are gone. Playwright is imported when a browser is first started.
"""

from __future__ import annotations

import os
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgewright.targets.browser.finding import Found, browser_row, find_browser
from edgewright.targets.browser.flags import CHROMIUM, FIREFOX
from edgewright.targets.browser.loop import BrowserTrouble, LoopThread
from edgewright.targets.browser.options import BrowserOptions
from edgewright.targets.browser.processes import Marked
from edgewright_runtimes.errors import MissingExtra, UsageError

if TYPE_CHECKING:
    from playwright.async_api import Browser, BrowserContext, Page, Playwright, Route

LAUNCH_SECONDS = 120.0
OPEN_SECONDS = 90.0  # a machine may be busy: its page opens late, and the sweep keeps it
CLOSE_SECONDS = 5.0
GRACE_SECONDS = 0.3
_BROWSER = "the browser"


class DrivenBrowser:
    """``open_page`` starts what is needed; ``close`` leaves no process behind."""

    def __init__(self, name: str, options: BrowserOptions) -> None:
        self.name = name
        self.options = options
        self.starts = 0  # how often it was started: once, and again after each death
        self.sandbox = False
        self._engine = browser_row(name).engine
        if options.cpu_throttle != 1 and self._engine != "chromium":
            raise UsageError(
                f"{name} has no CPU throttling", hint="--cpu-throttle is for browser:chromium"
            )
        self._loop: LoopThread | None = None
        self._playwright: Playwright | None = None
        self._browser: Browser | None = None
        self._found: Found | None = None
        self._marked = Marked()

    @property
    def version(self) -> str:
        """Of the browser that runs; starts it where none does."""
        return str(self._running().version)

    @property
    def found(self) -> Found:
        """Raises ``UsageError`` where there is none."""
        if self._found is None:
            playwright = self._driver()
            own = Path(getattr(playwright, self._engine).executable_path)
            self._found = find_browser(self.name, named=self.options.path, own=own)
        return self._found

    @property
    def processes(self) -> Marked:
        return self._marked

    def open_page(self, url: str) -> OpenPage:
        """A page in a fresh context at ``url``; it reaches what lies under that origin alone.

        Raises ``BrowserTrouble``; ``UsageError`` where there is no such browser.
        """
        page = OpenPage(self._running(), self.options.cpu_throttle, self._thread())
        try:
            page.open(url)
        except BaseException:
            page.close()
            self.stop()  # what kept this page from opening may keep the next one
            raise
        return page

    def stop(self) -> None:
        """End the browser, kindly at first; another is started when it is needed."""
        browser, self._browser = self._browser, None
        try:
            if browser is not None and browser.is_connected():
                self._thread().call(browser.close(), "close", limit_seconds=CLOSE_SECONDS)
        except BrowserTrouble:
            pass  # then unkindly
        finally:
            self._marked.end()

    def close(self) -> None:
        """End the browser, Playwright and its thread; this object can be used again."""
        loop = self._loop
        if loop is None:
            return
        try:
            self.stop()
            if self._playwright is not None:
                loop.call(self._playwright.stop(), "stop", limit_seconds=CLOSE_SECONDS)
        except BrowserTrouble:
            pass  # its process ends with its input, which closing the loop closes
        finally:
            self._loop = self._playwright = self._found = None
            loop.close()

    def _thread(self) -> LoopThread:
        if self._loop is None:
            self._loop = LoopThread()
        return self._loop

    def _driver(self) -> Playwright:
        if self._playwright is None:
            try:
                from playwright.async_api import async_playwright
            except ModuleNotFoundError as e:
                if not (e.name or "").startswith("playwright"):
                    raise
                raise MissingExtra(
                    f"the target browser:{self.name} needs the package playwright",
                    hint="pip install 'edgewright[browser]'; edgewright doctor says what is there",
                ) from e
            self._playwright = self._thread().call(
                async_playwright().start(), "Playwright", limit_seconds=LAUNCH_SECONDS
            )
        return self._playwright

    def _running(self) -> Browser:
        if self._browser is None or not self._browser.is_connected():
            self.stop()
            playwright, found = self._driver(), self.found
            self._browser = self._thread().call(
                self._launch(playwright, found),
                f"{self.name} at {found.path} does not start",
                limit_seconds=LAUNCH_SECONDS + 5,
            )
            self.starts += 1
            self._marked.remember()
        return self._browser

    async def _launch(self, playwright: Playwright, found: Found) -> Browser:
        common: dict[str, Any] = {
            "executable_path": found.path,
            "headless": not self.options.headed,
            "env": self._marked.environment,
            "timeout": LAUNCH_SECONDS * 1000,
            # signals are this program's to handle: an interrupt ends a job, not the browser
            "handle_sigint": False,
            "handle_sigterm": False,
            "handle_sighup": False,
        }
        if found.engine == "firefox":
            channel = None if found.origin == "Playwright's own" else "moz-firefox"
            return await playwright.firefox.launch(
                channel=channel, firefox_user_prefs=dict(FIREFOX), **common
            )
        return await self._launch_chromium(playwright, common)

    async def _launch_chromium(self, playwright: Playwright, common: dict[str, Any]) -> Browser:
        """In its sandbox where the machine allows one: not for root, nor in most containers."""
        from playwright.async_api import Error

        if hasattr(os, "geteuid") and os.geteuid() != 0:
            try:
                browser = await playwright.chromium.launch(
                    args=CHROMIUM, chromium_sandbox=True, **common
                )
                self.sandbox = True
                return browser
            except Error as e:
                if "sandbox" not in e.message.lower():
                    raise
        self.sandbox = False
        return await playwright.chromium.launch(args=CHROMIUM, chromium_sandbox=False, **common)


class OpenPage:
    """``gone`` says what ended it; empty while it is there. Close it.

    ``outside``: what it asked for beyond its own address, all of it refused. ``stuck``: it did
    not close in time, and its browser is not to be used again.
    """

    def __init__(self, browser: Browser, throttle: float, loop: LoopThread) -> None:
        self.outside: list[str] = []
        self.stuck = False
        self.last_error = ""
        self._browser, self._throttle, self._loop = browser, throttle, loop
        self._context: BrowserContext | None = None
        self._page: Page | None = None
        self._closing = False
        self._ended = ""
        self._ended_at = 0.0

    @property
    def gone(self) -> str:
        """A tab is said to be gone a little later: a browser that ends takes its tabs with it, and
        they may be heard of first."""
        if self._ended.startswith(_BROWSER) or time.monotonic() - self._ended_at > GRACE_SECONDS:
            return self._ended
        return ""

    def open(self, url: str) -> None:
        self._loop.call(self._open(url), "the page does not open", limit_seconds=OPEN_SECONDS)

    def close(self) -> None:
        self._closing = True
        context, self._context = self._context, None
        if context is None or self._ended.startswith(_BROWSER):
            return
        try:
            self._loop.call(self._close(context), "close", limit_seconds=CLOSE_SECONDS)
        except BrowserTrouble:
            self.stuck = True

    async def _close(self, context: BrowserContext) -> None:
        self._browser.remove_listener("disconnected", self._on_disconnected)
        await context.close()

    async def _open(self, url: str) -> None:
        self._browser.on("disconnected", self._on_disconnected)
        self._context = await self._browser.new_context()
        self._page = await self._context.new_page()
        self._page.on("crash", lambda _: self._say("the tab crashed, or was killed"))
        self._page.on("close", lambda _: self._say("the tab closed: it crashed, or was killed"))
        self._page.on("pageerror", self._on_error)
        origin = re.match(r"https?://[^/]+/", url)
        if origin is not None:
            inside = re.escape(origin[0])
            beyond = re.compile(rf"^(?!{inside}|blob:{inside}|data:)")
            await self._context.route(beyond, self._refuse)
        if self._throttle != 1:
            devtools = await self._context.new_cdp_session(self._page)
            await devtools.send("Emulation.setCPUThrottlingRate", {"rate": self._throttle})
        await self._page.goto(url, wait_until="commit", timeout=OPEN_SECONDS * 1000)

    def _on_disconnected(self, _: object) -> None:
        self._say(f"{_BROWSER} ended: it crashed, or was killed")

    def _on_error(self, error: Exception) -> None:
        self.last_error = str(error).strip().partition("\n")[0][:300]

    def _say(self, words: str) -> None:
        """The first cause counts, but that the browser is gone says more than that a tab is."""
        if not self._closing and (not self._ended or words.startswith(_BROWSER)):
            self._ended, self._ended_at = words, time.monotonic()

    async def _refuse(self, route: Route) -> None:
        self.outside.append(route.request.url)
        await route.abort("blockedbyclient")

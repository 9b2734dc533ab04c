"""The target ``browser:NAME``: a fresh context and page for every round, in one browser.

The page is that of ``edgewright-web``; a server on the loopback address gives it jobs and takes
its rows (``targets/web``). Playwright opens the page, and watches it and the browser die.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from importlib import util
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgewright.targets.browser.driving import DrivenBrowser, OpenPage
from edgewright.targets.browser.finding import browser_row
from edgewright.targets.browser.host import Host
from edgewright.targets.browser.loop import BrowserTrouble
from edgewright.targets.web.runtimes import WEB_RUNTIMES, takers, web_runtime
from edgewright_runtimes.errors import EdgewrightError, MissingExtra
from edgewright_runtimes.records import Format

if TYPE_CHECKING:
    from edgewright.settings import Settings
    from edgewright.targets.browser.options import BrowserOptions
    from edgewright.targets.target import Row
    from edgewright.targets.web.seats import Seat
    from edgewright.targets.web.server import PageServer

PROBE_SECONDS = 60.0
HINT = "the other artifacts are not affected; edgewright doctor says whether the browser works"


class BrowserWorker:
    """One seat and one page, opened with the first job."""

    def __init__(
        self, browser: DrivenBrowser, server: PageServer, seat: Seat, limit_seconds: float
    ) -> None:
        self._browser, self._server, self._seat = browser, server, seat
        self._limit = limit_seconds
        self._page: OpenPage | None = None
        self._failed = False

    @property
    def stopped(self) -> bool:
        return self._seat.stopped

    def rows(self, job: Mapping[str, object]) -> Iterator[Row]:
        try:
            if self._page is None:
                self._page = self._browser.open_page(self._address())
        except BrowserTrouble as e:
            yield {"row": "failure", "stage": "load", "error": str(e), "hint": HINT}
            return
        page, host = self._page, Host(self._browser.processes)
        if job["job"] == "bench":
            host.before()
        for row in self._seat.rows(job, limit_seconds=self._limit, failed=lambda: page.gone):
            yield self._completed(row, page, host)

    def close(self) -> None:
        self._seat.close()
        page, self._page = self._page, None
        if page is not None:
            page.close()
            if page.stuck or self._failed:
                self._browser.stop()  # what failed here may have left its mark on the next page

    def _address(self) -> str:
        """Of the page; where it is slowed down the jobs must run in its main thread."""
        main = self._browser.options.cpu_throttle != 1
        return self._server.url(self._seat) + ("?main=1" if main else "")

    def _completed(self, row: Row, page: OpenPage, host: Host) -> Row:
        self._failed = self._failed or row["row"] == "failure"
        if row["row"] == "loaded":
            return {**row, "in_force": {**row["in_force"], **self._in_force()}}
        if row["row"] == "environment":
            values = host.beside(row["when"], row["values"])
            if page.outside:
                values["refused_requests"] = ", ".join(page.outside)[:500]
            return {**row, "values": values}
        if row["row"] == "failure" and page.last_error and not row["hint"]:
            return {**row, "hint": f"the page's last error: {page.last_error}"}
        return row

    def _in_force(self) -> dict[str, str]:
        options, found = self._browser.options, self._browser.found
        return {
            "browser": f"{found.name} {self._browser.version}",
            "browser_path": str(found.path),
            "headed": "yes" if options.headed else "no",
            "sandbox": "yes" if self._browser.sandbox or found.engine != "chromium" else "no",
            "cpu_throttle": f"{options.cpu_throttle:g}",
        }


class BrowserTarget:
    """Its browser and its server start when they are first needed."""

    fresh_answers = True
    measures_memory = False

    def __init__(self, name: str, options: BrowserOptions) -> None:
        self.name = name
        self._browser = DrivenBrowser(name.partition(":")[2], options)
        self._server: PageServer | None = None
        self._probed: Mapping[str, Any] | None = None

    def runtimes(self, format_: Format) -> tuple[str, ...]:
        absent = self.absent(format_)
        return tuple(name for name in takers(format_) if name not in absent)

    def formats(self, runtime: str) -> tuple[Format, ...]:
        return WEB_RUNTIMES[runtime].formats if runtime in WEB_RUNTIMES else ()

    def absent(self, format_: Format) -> Mapping[str, str]:
        offered = self.probe()["runtimes"]
        unknown = "the page has no such runtime"
        reasons = {name: offered.get(name, unknown) for name in takers(format_)}
        return {name: f"not on this target: {why}" for name, why in reasons.items() if why}

    def why_not(self, format_: Format) -> str:
        if not takers(format_):
            return f"not on this target: no web runtime takes {format_}"
        return f"not on this target: {'; '.join(self.absent(format_).values())}"

    def require(self, runtime: str) -> None:
        web_runtime(runtime)

    def start(self, runtime: str, *, folder: Path, limit_seconds: float) -> BrowserWorker:
        server = self._serving()
        return BrowserWorker(self._browser, server, server.open_seat(), limit_seconds)

    def probe(self) -> Mapping[str, Any]:
        """What the browser offers, as its page finds it out; asked once.

        Raises ``UsageError`` where there is no browser, ``EdgewrightError`` where it won't.
        """
        if self._probed is None:
            self._probed = self._ask()
        return self._probed

    @property
    def browser(self) -> DrivenBrowser:
        return self._browser

    def close(self) -> None:
        try:
            self._browser.close()
        finally:
            server, self._server = self._server, None
            if server is not None:
                server.close()

    def _ask(self) -> Mapping[str, Any]:
        with closing(self.start("null", folder=Path(), limit_seconds=PROBE_SECONDS)) as worker:
            # a browser that is not there is no failure of the page
            found = self._browser.found
            for row in worker.rows({"job": "probe"}):
                if row["row"] == "probe":
                    values: Mapping[str, Any] = row["values"]
                    return values
                if row["row"] == "failure":
                    raise EdgewrightError(
                        f"{found.name} at {found.path}: {row['error']}", hint=row["hint"]
                    )
        raise KeyboardInterrupt  # it was stopped

    def _serving(self) -> PageServer:
        if self._server is None:
            from edgewright.targets.web.server import PageServer

            self._server = PageServer()
            self._server.start()
        return self._server


def open_target(name: str, settings: Settings) -> BrowserTarget:
    """Raises ``UnknownName`` for a browser that is none, ``MissingExtra`` without the extra."""
    place = name.partition(":")[2]
    browser_row(place)
    for package in ("playwright", "edgewright_web", "uvicorn", "starlette", "msgspec"):
        if util.find_spec(package) is None:
            raise MissingExtra(
                f"the target {name} needs the package {package}",
                hint="pip install 'edgewright[browser]'; edgewright doctor says what is there",
            )
    return BrowserTarget(name, settings.browser)

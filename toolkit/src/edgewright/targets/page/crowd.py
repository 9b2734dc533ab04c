"""The devices that come to the page of one run: each its own thread, its own rows.

The run ends when as many devices are done as were awaited, and with them every other one that
had begun. Whoever only looked is told that it is over.
"""

from __future__ import annotations

import queue
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib import util
from typing import TYPE_CHECKING, Generic, TypeVar

from edgewright.targets.page.device import Device, NotAllowed
from edgewright.targets.page.invitation import invitation
from edgewright.targets.page.labels import label_of, slug, unused
from edgewright.targets.page.options import PageOptions
from edgewright.targets.web.addresses import bindable, is_loopback
from edgewright.targets.web.runtimes import WEB_RUNTIMES, web_runtime
from edgewright_runtimes.errors import EdgewrightError, MissingExtra
from edgewright_runtimes.records import Format

if TYPE_CHECKING:
    from edgewright.settings import Settings
    from edgewright.targets.target import Target
    from edgewright.targets.web.seats import Seat
    from edgewright.targets.web.server import PageServer

T = TypeVar("T")
PACKAGES = ("edgewright_web", "uvicorn", "starlette", "msgspec", "cryptography", "segno")
AWAY_SECONDS = 600.0  # beyond the limit of a job: a locked screen, a tunnel
PAUSE_SECONDS = 30.0
LOOK_SECONDS = 0.1
FAREWELL_SECONDS = 2.0
MAX_DEVICES = 32
MAX_OF_ADDRESS = 8  # that did not begin: one stranger can't take every seat
MAX_EVER = 200  # of one address in one run, whatever became of them


@dataclass(slots=True)
class Visit(Generic[T]):
    """One device that came. ``error``: why it did not come to an end."""

    device: Device
    address: str
    begun: bool = False
    over: bool = False
    result: list[T] = field(default_factory=list)
    error: Exception | None = None


class PageCrowd:
    """The target ``page``. It is no target itself: ``each`` gives every device to a function."""

    def __init__(self, name: str, options: PageOptions) -> None:
        self.name = name
        self._options = options
        self._server: PageServer | None = None
        self._lock = threading.Lock()
        self._labels: set[str] = set()
        self._fingerprint = ""

    def formats(self, runtime: str) -> tuple[Format, ...]:
        return WEB_RUNTIMES[runtime].formats if runtime in WEB_RUNTIMES else ()

    def require(self, runtime: str) -> None:
        web_runtime(runtime)

    def each(
        self, do: Callable[[Target], T], *, what: str, shown: Callable[[Target], Sequence[str]]
    ) -> tuple[T, ...]:
        """``do`` for every device whose holder allowed it; what it gave, in the order they ended.

        The page shows ``what`` is to be done and the lines of ``shown``, before the tap. An
        interrupt stops those that run, whose results count; where there are none it is raised.
        Raises ``EdgewrightError`` where the address can't be had, or no device came to an end.
        """
        server = self._serve()
        gathering = _Gathering(self, server, do, what, shown)
        door = server.open_door(gathering.enter)
        print(self._invitation(server.url(door)), file=sys.stderr, flush=True)
        return gathering.run(self._options.devices)

    def close(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            server.close(farewell_seconds=FAREWELL_SECONDS)

    def name_it(self, device: Device, typed: str) -> None:
        """A label that no other device of this run has."""
        with self._lock:
            device.label = unused(slug(typed) or device.label, self._labels)
            self._labels.add(device.label)

    def _serve(self) -> PageServer:
        from edgewright.targets.page.certificate import make_certificate
        from edgewright.targets.web.server import PageServer

        if self._server is None:
            options = self._options
            address = bindable(options.address)
            tls = None
            if not options.plain and not is_loopback(address):
                certificate = make_certificate(address)
                tls, self._fingerprint = certificate.context, certificate.fingerprint
            server = PageServer(address, options.port, tls, plain=options.plain)
            server.start()
            self._server = server
        return self._server

    def _invitation(self, url: str) -> str:
        return invitation(
            url,
            fingerprint=self._fingerprint,
            colours=sys.stderr.isatty(),
            devices=self._options.devices,
        )


class _Gathering(Generic[T]):
    """One ``each``: the visits so far, and their threads."""

    def __init__(
        self,
        crowd: PageCrowd,
        server: PageServer,
        do: Callable[[Target], T],
        what: str,
        shown: Callable[[Target], Sequence[str]],
    ) -> None:
        self._crowd, self._server = crowd, server
        self._do, self._what, self._shown = do, what, shown
        self._visits: list[Visit[T]] = []
        self._arrived: queue.SimpleQueue[Visit[T]] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._ended: list[Visit[T]] = []
        self._lock = threading.Lock()

    def enter(self, address: str, user_agent: str) -> Seat | None:
        """A seat for who comes through the door; called in the server's thread."""
        waiting = [v for v in self._visits if not v.begun and not v.over]
        here = [v for v in waiting if v.address == address]
        ever = [v for v in self._visits if v.address == address]
        if len(waiting) >= MAX_DEVICES or len(here) >= MAX_OF_ADDRESS or len(ever) >= MAX_EVER:
            return None
        seat = self._server.open_seat(away_seconds=AWAY_SECONDS, pause_seconds=PAUSE_SECONDS)
        visit: Visit[T] = Visit(Device(seat, label_of(user_agent)), address)
        self._visits.append(visit)
        self._arrived.put(visit)
        return seat

    def run(self, awaited: int) -> tuple[T, ...]:
        interrupted = False
        try:
            while not self._enough(awaited):
                self._receive()
        except KeyboardInterrupt:
            interrupted = True
            for visit in self._visits:
                visit.device.seat.stop()
            self._tell_waiting()
        self._send_away()
        for thread in self._threads:
            thread.join()
        results = tuple(result for visit in self._ended for result in visit.result)
        self._tell_errors(results)
        if interrupted and not results:
            raise KeyboardInterrupt
        return results

    def _tell_waiting(self) -> None:
        names = ", ".join(v.device.name for v in self._visits if v.begun and not v.over)
        if names:
            say(f"waiting for what {names} measured; Ctrl-C once more leaves without it")

    def _receive(self) -> None:
        try:
            visit = self._arrived.get(timeout=LOOK_SECONDS)
        except queue.Empty:
            return
        thread = threading.Thread(target=self._host, args=(visit,), daemon=True)
        self._threads.append(thread)
        thread.start()

    def _enough(self, awaited: int) -> bool:
        with self._lock:
            running = any(v.begun and not v.over for v in self._visits)
            return not running and sum(v.begun for v in self._ended) >= awaited

    def _send_away(self) -> None:
        for visit in self._visits:
            if not visit.begun:
                visit.device.seat.close("The run is over.")

    def _host(self, visit: Visit[T]) -> None:
        """The thread of one device: probe, ask, do."""
        device = visit.device
        try:
            device.probe()
            typed = device.allow(self._what, self._shown(device))
            with self._lock:
                visit.begun = True
            self._crowd.name_it(device, typed)
            say(f"{device.name} ({visit.address}) begins")
            visit.result.append(self._do(device))
            say(f"{device.name} is done")
        except NotAllowed as e:
            if visit.begun:
                visit.error = e
            elif not device.seat.closed and not device.seat.stopped:
                say(f"{device.name} ({visit.address}) is left out: {e}")
                device.seat.close(f"Nothing runs here: {e}")
        except KeyboardInterrupt:
            say(f"{device.name} was stopped")  # by the interrupt that the main thread got
        except Exception as e:
            visit.error = e
            device.seat.close("It ended with an error; the computer that asked says which.")
        finally:
            with self._lock:
                visit.over = True
                self._ended.append(visit)
            device.close()

    def _tell_errors(self, results: Sequence[T]) -> None:
        """An error of one device ends its rows alone; a bug of ours shows."""
        for visit in self._visits:
            if visit.error is None:
                continue
            if not results or not isinstance(visit.error, EdgewrightError):
                raise visit.error
            say(f"{visit.device.name}: {visit.error}")


def say(words: str) -> None:
    print(f"  {words}", file=sys.stderr, flush=True)


def open_crowd(name: str, settings: Settings) -> PageCrowd:
    """Raises ``MissingExtra`` without the extra, ``BadInput`` for an address not to be bound."""
    for package in PACKAGES:
        if util.find_spec(package) is None:
            raise MissingExtra(
                f"the target {name} needs the package {package}",
                hint="pip install 'edgewright[browser]'",
            )
    bindable(settings.page.address)
    return PageCrowd(name, settings.page)

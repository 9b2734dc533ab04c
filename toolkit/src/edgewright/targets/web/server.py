"""The server of pages: a socket, a thread with an event loop, and the seats by their tokens."""

from __future__ import annotations

import asyncio
import importlib
import logging
import secrets
import socket
import ssl
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import uvicorn

from edgewright.targets.tasks import cancel_all
from edgewright.targets.web.addresses import bindable, is_loopback
from edgewright.targets.web.doors import Door
from edgewright.targets.web.guard import GuardedListener, GuardedLoop, limits
from edgewright.targets.web.seats import Seat
from edgewright.targets.web.site import Site
from edgewright_runtimes.errors import BadInput, EdgewrightError, MissingExtra

if TYPE_CHECKING:
    from collections.abc import Callable

START_SECONDS = 10.0
STOP_SECONDS = 2
FAREWELL_STEP_SECONDS = 0.05
KEEP_ALIVE_SECONDS = 30

logging.getLogger("uvicorn").addHandler(logging.NullHandler())  # strangers' nonsense is no news


class Bell:
    """Wakes the long polls: rung by any thread, waited for in the server's."""

    def __init__(self) -> None:
        self._event = asyncio.Event()
        self.loop: asyncio.AbstractEventLoop | None = None

    def ring(self) -> None:
        if self.loop is not None:
            with suppress(RuntimeError):  # the loop has ended, and nobody waits
                self.loop.call_soon_threadsafe(self._rung)

    def _rung(self) -> None:
        event, self._event = self._event, asyncio.Event()
        event.set()

    async def wait(self, seconds: float) -> None:
        """Until it is rung. What was changed before the call must have been looked at by then,
        without an ``await`` in between."""
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._event.wait(), seconds)


class PageServer:
    """``start`` it, ``open_seat`` for each page, ``close`` it (or ``with``).

    Loopback by default, on a port of its own. Another address is bound only where it is named,
    and only with ``tls``, or where ``plain`` says that it need not be. ``site``: the folder of the
    page, that of ``edgewright-web`` by default.
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        tls: ssl.SSLContext | None = None,
        *,
        plain: bool = False,
        site: Path | None = None,
    ) -> None:
        """Raises ``BadInput`` for an address that is none, or not to be bound; ``MissingExtra``
        where the page is not installed."""
        self._host, self._port = bindable(host), port
        if tls is None and not plain and not is_loopback(self._host):
            raise BadInput(f"{self._host} is not loopback: it needs TLS")
        self._tls = tls
        self._site = site or static_site()
        self._seats: dict[str, Seat] = {}
        self._doors: dict[str, Door] = {}
        self._thread: threading.Thread | None = None
        self._uvicorn: uvicorn.Server | None = None
        self.bell = Bell()

    def __enter__(self) -> PageServer:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self) -> None:
        """Raises ``EdgewrightError`` where the address or the port can't be had."""
        bound = self._bind()
        self._port = int(bound.getsockname()[1])
        server = uvicorn.Server(self._config())
        self._uvicorn = server
        self._thread = threading.Thread(target=self._run, args=(server, bound), daemon=True)
        self._thread.start()
        until = time.monotonic() + START_SECONDS
        while not server.started:
            if not self._thread.is_alive() or time.monotonic() > until:
                raise EdgewrightError(f"the server on {self._host} did not start")
            time.sleep(0.005)

    def close(self, *, farewell_seconds: float = 0.0) -> None:
        """Close every seat and stop; nothing listens afterwards.

        For ``farewell_seconds`` at most, pages that are there may still hear that it is over.
        """
        self._doors.clear()  # the server's thread opens no seat any more
        seats = list(self._seats.values())
        for seat in seats:
            seat.close()
        until = time.monotonic() + farewell_seconds
        while time.monotonic() < until and any(seat.is_to_hear for seat in seats):
            time.sleep(FAREWELL_STEP_SECONDS)
        if self._uvicorn is not None and self._thread is not None:
            self._uvicorn.should_exit = True
            self._thread.join(START_SECONDS)
        self._thread = self._uvicorn = None

    @property
    def origin(self) -> str:
        """``https://192.168.1.7:41234``, without a path."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"{'https' if self._tls else 'http'}://{host}:{self._port}"

    @property
    def port(self) -> int:
        return self._port

    def open_seat(self, *, away_seconds: float = 0.0, pause_seconds: float = 0.0) -> Seat:
        """A seat for one page; ``Seat`` says what the seconds are."""
        seat = Seat(
            secrets.token_urlsafe(24),
            ring=self.bell.ring,
            away_seconds=away_seconds,
            pause_seconds=pause_seconds,
        )
        self._seats[seat.token] = seat
        return seat

    def open_door(self, seat_for: Callable[[str, str], Seat | None]) -> Door:
        """An address that gives each device that comes a seat of its own."""
        door = Door(secrets.token_urlsafe(12), seat_for)
        self._doors[door.token] = door
        return door

    def url(self, seat: Seat | Door) -> str:
        return f"{self.origin}/{seat.token}/"

    def seat(self, token: str) -> Seat | None:
        return self._seats.get(token)

    def door(self, token: str) -> Door | None:
        return self._doors.get(token)

    def _bind(self) -> socket.socket:
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        bound = GuardedListener(family)
        try:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bound.bind((self._host, self._port))
        except OSError as e:
            bound.close()
            raise EdgewrightError(
                f"cannot listen on {self._host}:{self._port}: {e.strerror or e}",
                hint="name an address of this machine, and a port that is free (0: any)",
            ) from e
        return bound

    def _config(self) -> uvicorn.Config:
        config = uvicorn.Config(
            Site(self._site, self).app(),
            **limits(),
            ws="none",
            loop="asyncio",
            lifespan="off",
            interface="asgi3",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=STOP_SECONDS,
        )
        config.load()
        config.ssl = self._tls  # made in memory: Uvicorn's own options name files
        return config

    def _run(self, server: uvicorn.Server, bound: socket.socket) -> None:
        loop = GuardedLoop()
        self.bell.loop = loop
        try:
            loop.run_until_complete(server.serve(sockets=[bound]))
            loop.run_until_complete(cancel_all())  # handshakes that are under way
            loop.run_until_complete(loop.shutdown_asyncgens())
        finally:
            loop.close()


def static_site() -> Path:
    """The page's files. Raises ``MissingExtra``."""
    try:
        web = importlib.import_module("edgewright_web")
    except ModuleNotFoundError as e:
        raise MissingExtra(
            "the page for browsers is not installed", hint="pip install 'edgewright[browser]'"
        ) from e
    folder: Path = web.static()
    return folder

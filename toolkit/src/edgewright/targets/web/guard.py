"""What one stranger may take of the server: connections, requests, patience."""

from __future__ import annotations

import asyncio
import socket
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

MAX_CONNECTIONS = 48  # of one address; a browser opens six
MAX_OPEN = 256  # of all addresses
MAX_HEADER_BYTES = 32 << 10
HANDSHAKE_SECONDS = 5.0
FIRST_REQUEST_SECONDS = 20.0


class Bucket:
    """At most ``burst`` at once, and ``rate`` a second in the long run."""

    def __init__(self, rate: float, burst: float) -> None:
        self._rate, self._burst = rate, burst
        self._left, self._at = burst, time.monotonic()

    def wait_seconds(self, cost: float = 1.0) -> float:
        """Take ``cost``, and give 0; or, where there is not so much, take nothing and give how
        long until there is."""
        now = time.monotonic()
        self._left = min(self._burst, self._left + (now - self._at) * self._rate)
        self._at = now
        if self._left >= min(cost, self._burst):
            self._left -= cost
            return 0.0
        return (min(cost, self._burst) - self._left) / self._rate


class GuardedListener(socket.socket):
    """A listening socket that takes so many connections of one address, and so many of all.

    They count as soon as they are there: of one that never ends its TLS handshake, no
    protocol above ever hears.
    """

    def __init__(self, family: socket.AddressFamily) -> None:
        super().__init__(family, socket.SOCK_STREAM)
        self._open: Counter[str] = Counter()

    def accept(self) -> tuple[socket.socket, Any]:
        """Raises ``ConnectionAbortedError`` where it is one too many: a loop passes that over."""
        accepted, address = super().accept()
        host = str(address[0])
        if self._open[host] >= MAX_CONNECTIONS or self._open.total() >= MAX_OPEN:
            accepted.close()
            raise ConnectionAbortedError(f"too many connections of {host}")
        self._open[host] += 1
        return _Counted(accepted, lambda: self._leave(host)), address

    def _leave(self, host: str) -> None:
        self._open[host] -= 1
        if not self._open[host]:
            del self._open[host]


class _Counted(socket.socket):
    """``accepted``, taken over; ``leave`` is called when it is closed."""

    def __init__(self, accepted: socket.socket, leave: Callable[[], None]) -> None:
        super().__init__(accepted.family, accepted.type, accepted.proto, accepted.detach())
        self._leave: Callable[[], None] | None = leave

    def close(self) -> None:
        super().close()
        leave, self._leave = self._leave, None
        if leave is not None:
            leave()


class GuardedProtocol(H11Protocol):
    """Uvicorn's HTTP/1.1, with a limit on how long a connection may take to send the head of its
    first request: Uvicorn itself waits for ever."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._patience = self.loop.call_later(FIRST_REQUEST_SECONDS, self._give_up)

    def connection_lost(self, exc: Exception | None) -> None:
        self._patience.cancel()
        super().connection_lost(exc)

    def _give_up(self) -> None:
        if self.cycle is None:
            self.transport.abort()


class GuardedLoop(asyncio.SelectorEventLoop):
    """An event loop whose servers wait so long for a TLS handshake; Uvicorn has no word for it.
    It asks the listening socket itself for its connections, as not every loop does."""

    async def create_server(self, *args: Any, **options: Any) -> Any:
        if options.get("ssl") is not None:
            options["ssl_handshake_timeout"] = HANDSHAKE_SECONDS
        return await super().create_server(*args, **options)


def limits() -> dict[str, Any]:
    return {"http": GuardedProtocol, "h11_max_incomplete_event_size": MAX_HEADER_BYTES}

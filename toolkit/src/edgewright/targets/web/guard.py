"""What one stranger may take of the server: connections, requests, patience."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from typing import Any, ClassVar

from uvicorn.protocols.http.h11_impl import H11Protocol

MAX_CONNECTIONS = 48  # of one address; a browser opens six
MAX_HEADER_BYTES = 32 << 10
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


class GuardedProtocol(H11Protocol):
    """Uvicorn's HTTP/1.1, with a limit on an address's connections, and on how long one may take
    to send the head of its first request: Uvicorn itself waits for ever."""

    _of: ClassVar[Counter[str]] = Counter()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._address = self.client[0] if self.client else ""
        self._of[self._address] += 1
        self._patience = self.loop.call_later(FIRST_REQUEST_SECONDS, self._give_up)
        if self._of[self._address] > MAX_CONNECTIONS:
            transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._patience.cancel()
        self._of[self._address] -= 1
        if not self._of[self._address]:
            del self._of[self._address]
        super().connection_lost(exc)

    def _give_up(self) -> None:
        if self.cycle is None:
            self.transport.abort()


def limits() -> dict[str, Any]:
    return {"http": GuardedProtocol, "h11_max_incomplete_event_size": MAX_HEADER_BYTES}

"""Playwright's event loop in a thread of its own; whatever is asked of it has a time limit."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import TimeoutError as FutureTimeout
from typing import Any, TypeVar

from edgewright.targets.tasks import cancel_all
from edgewright_runtimes.errors import EdgewrightError

T = TypeVar("T")


class BrowserTrouble(EdgewrightError):
    """The browser did not do what it was asked: it died, hangs, or refuses."""


class _Loop(asyncio.SelectorEventLoop):
    """Children get a session of their own: Ctrl-C is ours to handle, not theirs."""

    async def subprocess_exec(self, *args: Any, **options: Any) -> Any:
        return await super().subprocess_exec(*args, start_new_session=True, **options)


class LoopThread:
    """``call`` from one thread; ``close`` ends it."""

    def __init__(self) -> None:
        self._loop = _Loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def call(self, work: Coroutine[Any, Any, T], what: str, *, limit_seconds: float) -> T:
        """Raises ``BrowserTrouble``, named by ``what``, for any error and for no answer in time."""
        from playwright.async_api import Error

        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result(limit_seconds)
        except FutureTimeout:
            raise BrowserTrouble(f"{what}: no answer within {limit_seconds:g} s") from None
        except Error as e:
            raise BrowserTrouble(f"{what}: {_reason(e.message)}") from e
        except Exception as e:  # Playwright raises bare ones where its own process ends
            raise BrowserTrouble(f"{what}: {_reason(str(e)) or type(e).__name__}") from e
        finally:
            future.cancel()  # an interrupt or the limit may have left it waiting

    def close(self) -> None:
        asyncio.run_coroutine_threadsafe(cancel_all(), self._loop).result(5)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        if not self._thread.is_alive():
            self._loop.close()


def _reason(message: str) -> str:
    """The first line of Playwright's message; the rest is its call log."""
    return (message.strip().splitlines() or [""])[0][:300]

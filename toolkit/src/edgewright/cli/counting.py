"""How far a verb is that counts what it does: one line, written over, on a terminal only."""

from __future__ import annotations

import sys
from collections.abc import Callable

Tell = Callable[[str, int, int], None]  # what, done, of


def counting(unit: str, *, silent: bool) -> Tell:
    """``unit`` is what is counted; ``silent`` where a program reads along."""
    if silent or not sys.stderr.isatty():
        return lambda what, done, of: None

    def tell(what: str, done: int, of: int) -> None:
        end = "\n" if done >= of else ""
        print(f"\r{what:40.40} {done:,} of {of:,} {unit}", end=end, file=sys.stderr, flush=True)

    return tell

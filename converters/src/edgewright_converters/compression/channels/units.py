"""Channels as numbers that can be tied together: what must be removed together is one unit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    Ids = np.ndarray[Any, np.dtype[np.int64]]


class Units:
    """Union-find over channel numbers. A unit that is pinned stays, for the first reason given."""

    def __init__(self) -> None:
        self._parents: list[int] = []
        self._pins: dict[int, str] = {}

    def fresh(self, count: int) -> Ids:
        import numpy as np

        start = len(self._parents)
        self._parents.extend(range(start, start + count))
        return np.arange(start, start + count)

    def tie(self, one: Ids, other: Ids) -> None:
        """Element by element; both [channels]."""
        for a, b in zip(one.tolist(), other.tolist(), strict=True):
            a, b = self._root(a), self._root(b)
            if a != b:
                self._parents[b] = a
                if b in self._pins:
                    self._pins.setdefault(a, self._pins[b])

    def pin(self, ids: Ids, reason: str) -> None:
        for unit in ids.tolist():
            self._pins.setdefault(self._root(unit), reason)

    def numbered(self) -> tuple[Ids, dict[int, str]]:
        """The unit [channels] of every channel, counted from zero, and why pinned ones stay."""
        import numpy as np

        roots = [self._root(channel) for channel in range(len(self._parents))]
        places = {root: place for place, root in enumerate(dict.fromkeys(roots))}
        pins = {places[root]: why for root, why in self._pins.items() if root in places}
        return np.array([places[root] for root in roots], np.int64), pins

    def _root(self, channel: int) -> int:
        while self._parents[channel] != channel:
            self._parents[channel] = self._parents[self._parents[channel]]
            channel = self._parents[channel]
        return channel

"""A door: one address for all devices, behind which each gets a seat of its own."""

from __future__ import annotations

from collections.abc import Callable

from edgewright.targets.web.seats import Seat


class Door:
    """``seat_for(address, user_agent)`` opens a seat, or gives None where there are enough.

    A device that comes again (it scanned the code twice) is led back to its own seat, and to a new
    one where that is closed.
    """

    def __init__(self, token: str, seat_for: Callable[[str, str], Seat | None]) -> None:
        self.token = token
        self._seat_for = seat_for
        self._given: dict[str, Seat] = {}

    def enter(self, address: str, user_agent: str, known: str | None) -> Seat | None:
        """The seat of whoever comes; ``known`` is the token that it was given before."""
        seat = self._given.get(known or "")
        if seat is None or seat.closed:
            seat = self._seat_for(address, user_agent)
            if seat is not None:
                self._given[seat.token] = seat
        return seat

"""How many units each space keeps: a share of each, or the least loss for a cost."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from edgewright_runtimes.errors import BadInput

if TYPE_CHECKING:
    import numpy as np

    from edgewright_converters.compression.channels.analysis import Analysis, Keep, Space

    Array = np.ndarray[Any, np.dtype[np.float64]]
    Cost = Callable[[Array], float]

LEAST_SHARE = 1e-3  # in place of none at all
AHEAD = 4  # candidates looked at beyond the present width: time may fall in stairs


def candidates(space: Space, multiple: int, least: int) -> tuple[int, ...]:
    """Widths to choose from, the present one last; in units that may go, as all widths here are.

    Multiples of ``multiple`` (a width that fills no SIMD register costs the time of one that
    does); of half of it, a quarter, where the space is no wider.
    """
    step = multiple
    while step > 1 and step >= space.width:
        step //= 2
    floor = max(min(least, space.width), space.pinned, 1)
    narrower = [w for w in range(step, space.width, step) if w >= floor]
    if space.pinned and space.pinned not in narrower:
        narrower.insert(0, space.pinned)
    return tuple(w - space.pinned for w in [*narrower, space.width] if w >= space.pinned)


def nearest(choices: Sequence[int], wanted: float) -> int:
    """The wider one of two that are equally near."""
    return min(choices, key=lambda width: (abs(width - wanted), -width))


class Ranked:
    """The units of each space in the order of their importance, and what any width is worth.

    A width's worth is ``I log(k / I)``, with ``I`` the importance of all the space's units and
    ``k`` of those it keeps: for small cuts the importance lost, as first-order criteria have it;
    beyond, they say too little, and a space that empties costs more and more.
    """

    def __init__(self, spaces: Sequence[Space], importance: Array) -> None:
        import numpy as np

        self._order = [
            np.array(s.units)[np.argsort(-importance[list(s.units)], kind="stable")] for s in spaces
        ]
        self.worth = [_worth(np.cumsum(importance[o])) for o in self._order]

    def total(self, widths: Array) -> float:
        return float(sum(v[int(w)] for v, w in zip(self.worth, widths, strict=True)))

    def keep(self, analysis: Analysis, widths: Array) -> Keep:
        keep = analysis.keep_all()
        for order, width in zip(self._order, widths, strict=True):
            keep[order[int(width) :]] = False
        return keep


def _worth(kept: Array) -> Array:
    """[widths], of no unit first."""
    import numpy as np

    whole = kept[-1]
    if whole <= 0:
        return np.zeros(len(kept) + 1)
    shares = np.concatenate([[0.0], kept / whole])
    worth: Array = whole * np.log(np.maximum(shares, LEAST_SHARE))
    return worth


def under_cost(
    ranked: Ranked, choices: Sequence[Sequence[int]], cost: Cost, most: float, *, what: str
) -> Array:
    """Widths of a cost of at most ``most``: each time the least importance lost per cost saved.

    Raises ``BadInput`` where the narrowest widths cost more, with what can be reached.
    """
    import numpy as np

    widths = np.array([c[-1] for c in choices], np.float64)
    full = cost(widths)
    narrowest = cost(np.array([c[0] for c in choices], np.float64))
    if narrowest > most:
        raise BadInput(
            f"{1 - most / full:.2f} of the {what} can't be removed: at most"
            f" {1 - narrowest / full:.2f}",
            hint="a smaller ratio, multiple or min_channels, or more layers",
        )
    while cost(widths) > most:
        widths = _best_step(ranked, choices, cost, widths)
    return _widen(ranked, choices, cost, most, widths)


def _best_step(
    ranked: Ranked, choices: Sequence[Sequence[int]], cost: Cost, widths: Array
) -> Array:
    now = cost(widths)
    best, best_price = widths, float("inf")
    for s, allowed in enumerate(choices):
        for width in [w for w in allowed if w < widths[s]][-AHEAD:]:
            narrowed = widths.copy()
            narrowed[s] = width
            lost = ranked.worth[s][int(widths[s])] - ranked.worth[s][width]
            price = lost / max(now - cost(narrowed), 1e-12)
            if price < best_price:
                best, best_price = narrowed, price
    return best


def _widen(
    ranked: Ranked, choices: Sequence[Sequence[int]], cost: Cost, most: float, widths: Array
) -> Array:
    """Give back what still fits: the last step may have saved more than was asked."""
    widths = widths.copy()
    while True:
        best, best_gain = None, 0.0
        for s, allowed in enumerate(choices):
            for width in [w for w in allowed if w > widths[s]][:AHEAD]:
                wider = widths.copy()
                wider[s] = width
                gain = ranked.worth[s][width] - ranked.worth[s][int(widths[s])]
                if gain > best_gain and cost(wider) <= most:
                    best, best_gain = wider, gain
        if best is None:
            return widths
        widths = best

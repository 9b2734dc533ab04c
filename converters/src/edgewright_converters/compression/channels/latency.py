"""Widths by measured latency: multiply-accumulates do not predict time, so widths are timed.

First all at their narrowest (where that is too slow nothing will do: some kernels' time hardly
goes with channels), then each space narrowed alone, then the best of what the forecast says,
measured, learnt from, and searched again, until the forecast has nothing better than what was
measured. What is chosen was itself measured, twice: of all that are fast enough, the one that
keeps most importance. (The second time for the luck of the first: the best of many noisy figures
is better than it is.)
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from edgewright_converters.compression.channels.forecast import Forecast
from edgewright_converters.compression.channels.widths import Ranked, under_cost
from edgewright_runtimes.errors import BadInput

if TYPE_CHECKING:
    import numpy as np

    from edgewright_converters.compression.channels.sizes import Sizes

    Array = np.ndarray[Any, np.dtype[np.float64]]
    Widths = tuple[int, ...]
    MeasureWidths = Callable[[Sequence[Widths]], list[float]]

BATCH = 6  # models measured at a time: interleaved, and each batch beside the original
CONFIRMED = 3  # of the best, measured again
HOPELESS = 1.1  # times what was asked, at the narrowest: more than noise makes up for


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One measured model: ``latency`` is its share of the original's, timed beside it.

    ``again`` is that of the second measurement, of those that had one.
    """

    widths: Widths
    latency: float
    forecast: float
    again: float | None = None

    @property
    def mean(self) -> float:
        return self.latency if self.again is None else (self.latency + self.again) / 2


def search(
    ranked: Ranked,
    choices: Sequence[Sequence[int]],
    sizes: Sizes,
    measure: MeasureWidths,
    *,
    most: float,
    trials: int,
    seconds: float,
) -> tuple[Array, tuple[Trial, ...]]:
    """Widths whose measured latency is at most ``most`` (a share of the original's).

    ``measure`` gives the latencies of widths as such shares. At most ``trials`` models are
    measured, and no new batch is begun after ``seconds``. Raises ``BadInput`` where nothing that
    was measured is fast enough, with the fastest.
    """
    hunt = _Search(ranked, choices, sizes, measure, trials - CONFIRMED)
    end = time.monotonic() + seconds
    alone = _alone(choices, trials // 2)[: hunt.left]
    hunt.run(alone[:2])
    if hunt.fastest > HOPELESS * most:
        raise BadInput(
            f"the latency can't be cut by {1 - most:.2f}: with every width at its narrowest it"
            f" was cut by {1 - hunt.fastest:.2f}",
            hint="a smaller ratio or multiple; or explain says what takes the time",
        )
    hunt.run(alone[2:])
    aim = most
    while hunt.left and time.monotonic() < end:
        proposed = hunt.propose(aim)
        if not proposed:
            break
        hunt.run(proposed[: min(BATCH, hunt.left)])
        aim = hunt.next_aim(aim, most)
    best = hunt.confirmed(most)
    if best is None:
        raise BadInput(
            f"the latency could not be cut by {1 - most:.2f}: the fastest of {len(hunt.done)}"
            f" models that were measured was cut by {1 - hunt.fastest:.2f}",
            hint="a smaller ratio, or more trials",
        )
    return _array(best.widths), tuple(hunt.done)


class _Search:
    def __init__(
        self,
        ranked: Ranked,
        choices: Sequence[Sequence[int]],
        sizes: Sizes,
        measure: MeasureWidths,
        trials: int,
    ) -> None:
        self._ranked, self._choices, self._sizes = ranked, choices, sizes
        self._measure, self._trials = measure, trials
        self._forecast = Forecast(sizes, choices)
        self._now = 1.0  # the latency at the widest choices, as a share of the original's
        self.done: list[Trial] = []

    @property
    def left(self) -> int:
        return max(0, self._trials - len(self.done))

    @property
    def fastest(self) -> float:
        return min(trial.latency for trial in self.done)

    def run(self, widths: Sequence[Widths]) -> None:
        """Measure, in batches, and learn."""
        for start in range(0, len(widths), BATCH):
            batch = list(widths[start : start + BATCH])
            for each, latency in zip(batch, self._measure(batch), strict=True):
                guess = self._forecast(_array(each)) * self._now
                self.done.append(Trial(widths=each, latency=latency, forecast=guess))
        full = tuple(choice[-1] for choice in self._choices)
        self._now = next((t.latency for t in self.done if t.widths == full), self._now)
        rows = [(_array(t.widths), t.latency / self._now) for t in self.done]
        self._forecast.learn(rows)

    def confirmed(self, most: float) -> Trial | None:
        """The best of those fast enough, after another look; ``None`` where there are none."""
        fast = [trial for trial in self.done if trial.latency <= most]
        fast = sorted(fast, key=lambda t: -self._ranked.total(_array(t.widths)))[:CONFIRMED]
        if not fast:
            return None
        again = self._measure([trial.widths for trial in fast])
        seen = [replace(t, again=a) for t, a in zip(fast, again, strict=True)]
        self.done = [next((s for s in seen if s.widths == t.widths), t) for t in self.done]
        return next((t for t in seen if t.mean <= most), min(seen, key=lambda t: t.mean))

    def propose(self, aim: float) -> list[Widths]:
        """The best widths that are forecast to reach ``aim``, and some about them; unmeasured."""
        found: list[Widths] = []
        for factor in (1.0, 0.96, 1.04, 0.9):
            try:
                widths = under_cost(
                    self._ranked,
                    self._choices,
                    self._forecast,
                    aim * factor / self._now,
                    what="latency",
                )
            except BadInput:  # the forecast says so: the narrowest is tried instead
                found.append(tuple(choice[0] for choice in self._choices))
                continue
            found.append(tuple(int(w) for w in widths))
        if self._reached(found[0]):
            found += self._swapped(found[0], aim)
        known = {trial.widths for trial in self.done}
        return [widths for widths in dict.fromkeys(found) if widths not in known]

    def next_aim(self, aim: float, most: float) -> float:
        """Lower where the forecast promised too much about ``most``, so that it is reached."""
        near = min(self.done[-BATCH:], key=lambda trial: abs(trial.forecast - aim))
        if any(trial.latency <= most for trial in self.done):
            return most
        return aim * min(0.98, most / near.latency)

    def _reached(self, widths: Widths) -> bool:
        return any(trial.widths == widths for trial in self.done)

    def _swapped(self, widths: Widths, aim: float) -> list[Widths]:
        """One space a step wider and another narrower, where that should fit and keep more."""
        here = self._ranked.total(_array(widths))
        scored = []
        for a, wider in self._steps(widths, 1):
            for b, narrower in [(a, widths[a]), *self._steps(widths, -1)]:
                other = list(widths)
                other[b] = narrower
                other[a] = wider
                changed = _array(tuple(other))
                gain = self._ranked.total(changed) - here
                if gain > 0 and self._forecast(changed) * self._now <= aim * 1.02:
                    scored.append((gain, tuple(other)))
        return [widths for _, widths in sorted(scored, reverse=True)[:BATCH]]

    def _steps(self, widths: Widths, by: int) -> list[tuple[int, int]]:
        found = []
        for s, width in enumerate(widths):
            place = self._choices[s].index(width) + by
            if 0 <= place < len(self._choices[s]):
                found.append((s, self._choices[s][place]))
        return found


def _array(widths: Widths) -> Array:
    import numpy as np

    return np.array(widths, np.float64)


def _alone(choices: Sequence[Sequence[int]], most: int) -> list[Widths]:
    """All at their widest, at their narrowest, and each narrowed alone, to widths spread over its
    choices.
    """
    full = tuple(choice[-1] for choice in choices)
    open_spaces = [s for s, choice in enumerate(choices) if len(choice) > 1]
    each = max(1, (most - 2) // max(1, len(open_spaces)))
    found = [full, tuple(choice[0] for choice in choices)]
    for s in open_spaces:
        narrower = choices[s][:-1]
        picked = {narrower[(i * len(narrower)) // each] for i in range(each)}
        found += [(*full[:s], width, *full[s + 1 :]) for width in sorted(picked)]
    return list(dict.fromkeys(found))[: max(most, 2)]

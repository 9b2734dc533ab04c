"""How much worse is the artifact than its source, on the same items, and is that enough to decide?

Everything here is *paired*: item by item, source beside artifact. Everything is a **worsening**:
positive where the artifact is worse, whichever way the metric is better. A limit is the most
worsening that is allowed.

- Proportions (accuracy, false negatives, agreement): Tango's score interval. McNemar's exact
  test gives a p-value to show, and decides nothing.
- Other metrics: a BCa bootstrap over items, refused under 30 of them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from edgewright_runtimes.errors import BadInput

LEVEL = 0.95  # two-sided: a wrong `ship`, and a wrong `do not ship`, in 2.5 % each
LEAST_ITEMS = 30
RESAMPLES = 5_000
JACKKNIFE_GROUPS = 400
CHUNK = 4_000_000  # indices drawn at a time: 32 MB
MOST_ITEMS = 10**9

Statistic = Callable[[NDArray[np.int64]], NDArray[np.float64]]


class Decision(str, Enum):
    SHIP = "ship"
    DO_NOT_SHIP = "do not ship"
    NOT_ENOUGH_DATA = "not enough data"


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A worsening with its two-sided interval; ``method`` is what made it, for the report."""

    estimate: float
    low: float
    high: float
    level: float
    items: int
    method: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairs:
    """Items by (source right?, artifact right?): ``n10`` are those that the artifact lost."""

    n11: int
    n10: int
    n01: int
    n00: int

    @property
    def items(self) -> int:
        return self.n11 + self.n10 + self.n01 + self.n00


def count_pairs(source: NDArray[np.bool_], artifact: NDArray[np.bool_]) -> Pairs:
    """Count bool [items] of right answers, source against artifact, item by item."""
    if source.shape != artifact.shape or source.ndim != 1:
        raise BadInput(
            f"pairs want two lists of the same items, not {source.shape} and {artifact.shape}"
        )
    return Pairs(
        n11=int((source & artifact).sum()),
        n10=int((source & ~artifact).sum()),
        n01=int((~source & artifact).sum()),
        n00=int((~source & ~artifact).sum()),
    )


def tango_interval(pairs: Pairs, *, level: float = LEVEL) -> Interval:
    """Score interval of P(source right) - P(artifact right), in shares of one.

    Tango 1998, "Equivalence test and confidence interval for the difference in proportions for
    the paired-sample design", Statistics in Medicine 17, 891-908. It keeps its level with no
    item lost at all, where the usual (Wald) interval has width 0. Raises ``BadInput`` for no items.
    """
    if pairs.items < 1:
        raise BadInput("no items to compare; at least one is needed")
    low, high = _tango(pairs.n10, pairs.n01, pairs.items, level)
    return Interval(
        estimate=(pairs.n10 - pairs.n01) / pairs.items,
        low=low,
        high=high,
        level=level,
        items=pairs.items,
        method="Tango's score interval",
    )


def _tango(lost: float, won: float, items: float, level: float) -> tuple[float, float]:
    z = NormalDist().inv_cdf((1 + level) / 2)
    estimate = (lost - won) / items
    return (
        _where_score_is(z, -1.0, estimate, lost, won, items),
        _where_score_is(-z, estimate, 1.0, lost, won, items),
    )


def _where_score_is(
    z: float, low: float, high: float, lost: float, won: float, items: float
) -> float:
    """The difference in [low, high] at which the falling score is ``z``, by bisection."""
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if _score(middle, lost, won, items) > z else (low, middle)
    return (low + high) / 2


def _score(difference: float, lost: float, won: float, items: float) -> float:
    """Tango's Z: the observed difference against ``difference``, in standard errors under it."""
    b = -lost - won + (2 * items - lost + won) * difference
    c = -won * difference * (1 - difference)
    won_share = (math.sqrt(max(b * b - 8 * items * c, 0.0)) - b) / (4 * items)
    variance = items * (2 * won_share + difference * (1 - difference))
    off = lost - won - items * difference
    if variance <= 0.0:
        return math.copysign(math.inf, off) if off else 0.0
    return off / math.sqrt(variance)


def mcnemar_p(pairs: Pairs) -> float:
    """Exact two-sided p-value of "the artifact loses as many items as it wins"."""
    from scipy.stats import binomtest

    discordant = pairs.n10 + pairs.n01
    return float(binomtest(pairs.n10, discordant, 0.5).pvalue) if discordant else 1.0


def bca_interval(
    statistic: Statistic,
    items: int,
    *,
    seed: int = 0,
    level: float = LEVEL,
    resamples: int = RESAMPLES,
) -> Interval:
    """Bootstrap interval of any paired metric's worsening, corrected for bias and skew.

    ``statistic`` takes int64 [rows, count] of item numbers and gives float64 [rows]: the
    worsening on the items of each row, source and artifact both taken at the *same* items.
    Efron 1987, "Better bootstrap confidence intervals", JASA 82, 171-185; the acceleration is
    from a jackknife over at most 400 groups of items. The same seed gives the same interval.
    Raises ``BadInput`` under 30 items: the bootstrap knows nothing that the sample doesn't show.
    """
    if items < LEAST_ITEMS:
        raise BadInput(
            f"{items} items are too few for a bootstrap interval, {LEAST_ITEMS} are needed",
            hint="give more items, or no gate on this metric",
        )
    estimate = float(statistic(np.arange(items)[None, :])[0])
    rng = np.random.default_rng(seed)
    drawn = _resample(statistic, items, resamples, rng)
    drawn = np.sort(drawn[np.isfinite(drawn)])
    if not math.isfinite(estimate) or drawn.size < 0.99 * resamples:
        raise BadInput(
            "the metric is undefined on some resamples of these items",
            hint="a class or a kind of item is too rare here: give more items",
        )
    low, high = _bca_ends(drawn, estimate, _acceleration(statistic, items, rng), level)
    return Interval(
        estimate=estimate,
        low=min(low, estimate),
        high=max(high, estimate),
        level=level,
        items=items,
        method=f"BCa bootstrap, {resamples} resamples, seed {seed}",
    )


def _resample(
    statistic: Statistic, items: int, resamples: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    rows = max(1, CHUNK // items)
    parts = [
        statistic(rng.integers(0, items, size=(min(rows, resamples - done), items)))
        for done in range(0, resamples, rows)
    ]
    return np.concatenate(parts).astype(np.float64)


def _acceleration(statistic: Statistic, items: int, rng: np.random.Generator) -> float:
    """A sixth of the skewness of the jackknife; 0 where no item matters."""
    groups = np.array_split(rng.permutation(items), min(items, JACKKNIFE_GROUPS))
    left = np.array([float(statistic(_without(group, items))[0]) for group in groups])
    pull = left[np.isfinite(left)]
    pull = pull.mean() - pull
    scale = float((pull**2).sum()) ** 1.5
    return float((pull**3).sum()) / (6 * scale) if scale > 0 else 0.0


def _without(group: NDArray[np.int64], items: int) -> NDArray[np.int64]:
    kept = np.ones(items, dtype=bool)
    kept[group] = False
    return np.flatnonzero(kept)[None, :]


def _bca_ends(
    drawn: NDArray[np.float64], estimate: float, acceleration: float, level: float
) -> tuple[float, float]:
    normal = NormalDist()
    below = float((drawn < estimate).mean() + (drawn == estimate).mean() / 2)
    edge = 0.5 / drawn.size
    bias = normal.inv_cdf(min(max(below, edge), 1 - edge))
    ends = []
    for share in ((1 - level) / 2, (1 + level) / 2):
        z = bias + normal.inv_cdf(share)
        stretched = max(1 - acceleration * z, 1e-6)
        ends.append(float(np.quantile(drawn, normal.cdf(bias + z / stretched))))
    return ends[0], ends[1]


def decide(worsening: Interval, limit: float) -> Decision:
    """Ship, where even the interval's bad end is within ``limit``; the other way round, do not."""
    if worsening.high <= limit:
        return Decision.SHIP
    return Decision.DO_NOT_SHIP if worsening.low > limit else Decision.NOT_ENOUGH_DATA


def items_needed(worsening: Interval, limit: float) -> int | None:
    """About how many items would decide, if the artifact stays as it was seen; ``None``: none do.

    The distance to the limit over the interval's end that faces it shrinks with the square root
    of the items. An estimate, not a promise. For proportions ``pairs_needed`` is closer.
    """
    gap = limit - worsening.estimate
    if gap == 0:
        return None
    facing = worsening.high - worsening.estimate if gap > 0 else worsening.estimate - worsening.low
    needed = math.ceil(worsening.items * (facing / gap) ** 2)
    return max(needed, worsening.items) if needed <= MOST_ITEMS else None


def pairs_needed(pairs: Pairs, limit: float, *, level: float = LEVEL) -> int | None:
    """As ``items_needed``, from Tango's interval itself at the same shares of lost and won."""
    n = pairs.items
    estimate = (pairs.n10 - pairs.n01) / n

    def decided(items: int) -> bool:
        grown = items / n
        low, high = _tango(pairs.n10 * grown, pairs.n01 * grown, items, level)
        return high <= limit if estimate <= limit else low > limit

    enough = n
    while not decided(enough):
        enough *= 2
        if enough > MOST_ITEMS:
            return None
    few = n if enough == n else enough // 2
    while enough - few > max(1, few // 1000):
        middle = (few + enough) // 2
        few, enough = (few, middle) if decided(middle) else (middle, enough)
    return enough

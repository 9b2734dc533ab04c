"""``gate``: whether a bundle's artifacts became slower than those of an earlier one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edgewright.bundle import Bundle
from edgewright.latency.results import is_emulated, set_aside
from edgewright.regressions.comparing import (
    METRICS,
    Decision,
    GateRow,
    Metric,
    Side,
    compare_sides,
    read_side,
)
from edgewright_runtimes.errors import BadInput, UnknownName

MAX_REGRESSION = "2%"
EXIT_CODES = {Decision.PASS: 0, Decision.REGRESSION: 4, Decision.UNDECIDED: 5}


@dataclass(frozen=True, slots=True, kw_only=True)
class GateResult:
    """``max_regression`` is a share: 0.02. ``notes`` say what was left out, and why."""

    base: Path
    new: Path
    max_regression: float
    rows: tuple[GateRow, ...]
    notes: tuple[str, ...]

    @property
    def decision(self) -> Decision:
        """One regression is one; without one, all must pass, and there must be something."""
        found = {row.decision for row in self.rows}
        if Decision.REGRESSION in found:
            return Decision.REGRESSION
        return Decision.PASS if found == {Decision.PASS} else Decision.UNDECIDED

    @property
    def exit_code(self) -> int:
        return EXIT_CODES[self.decision]


def gate(
    base: Path | str,
    new: Path | str,
    *,
    max_regression: str = MAX_REGRESSION,
    metric: str | None = None,
    artifacts: Sequence[str] = (),
) -> GateResult:
    """Compare what was measured in the bundle ``new`` with the same in ``base``.

    ``max_regression``: percent that it may be slower, ``2%``. ``metric``: ``latency`` or
    ``instructions``; both, where they are, without it: but no time of an emulated board.
    ``artifacts``: names or schemes; all that ``base`` has.

    Raises ``BadInput`` where one is no bundle or the percentage is none, ``UnknownName`` for a
    metric, or an artifact that ``base`` did not measure.
    """
    allowed = read_share(max_regression)
    if metric is not None and metric not in METRICS:
        raise UnknownName("metric", metric, METRICS)
    opened = Bundle.open(Path(base)), Bundle.open(Path(new))
    sides = read_side(opened[0]), read_side(opened[1])
    metrics: Sequence[Metric] = [name for name in METRICS if metric in (None, name)]
    rows = compare_sides(*sides, allowed, metrics)
    rows = tuple(row for row in rows if _named(row, sides[0], artifacts))
    notes = [f"{one.path}: {line}" for one in opened for line in (*set_aside(one), *one.problems)]
    if metric is None:
        times = [row for row in rows if _emulated_time(row)]
        rows = tuple(row for row in rows if row not in times)
        notes += ["times of emulated boards are left out: they are no latencies"] * bool(times)
    if not rows:
        notes.append(f"{base} has nothing to compare with: measure both, edgewright bench {base}")
    return GateResult(
        base=opened[0].path,
        new=opened[1].path,
        max_regression=allowed,
        rows=rows,
        notes=tuple(notes),
    )


def read_share(text: str) -> float:
    """``2%`` (or ``2``) as 0.02. Raises ``BadInput``."""
    try:
        percent = float(text.strip().removesuffix("%"))
    except ValueError:
        percent = -1.0
    if not 0 <= percent < 1000:
        raise BadInput(f"max regression is {text!r}", hint="percent that it may be slower: 2%")
    return percent / 100


def _named(one: GateRow, base: Side, names: Sequence[str]) -> bool:
    schemes = {row.artifact: row.scheme for row in base.latencies.values()}
    schemes |= {row.artifact: row.scheme for row in base.counts.values()}
    for name in names:
        if name not in schemes and name not in schemes.values():
            raise UnknownName("measured artifact", name, {*schemes, *schemes.values()})
    return not names or one.artifact in names or schemes[one.artifact] in names


def _emulated_time(row: GateRow) -> bool:
    return row.metric == "latency" and is_emulated(row.target)

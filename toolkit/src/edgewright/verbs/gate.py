"""``gate``: whether a bundle's artifacts became slower than those of an earlier one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from edgewright.bundle import Bundle
from edgewright.counting.results import set_aside as counts_set_aside
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
    schemes = _schemes(opened[0], sides[0], artifacts)
    rows = compare_sides(*sides, allowed, metrics)
    rows = tuple(
        row
        for row in rows
        if not artifacts or row.artifact in artifacts or schemes[row.artifact] in artifacts
    )
    notes = [
        f"{one.path}: {line}"
        for one in opened
        for line in (*set_aside(one), *counts_set_aside(one), *one.problems)
    ]
    notes += [f"only {new} has {words}" for words in _only_new(*sides, metrics)]
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


def _schemes(bundle: Bundle, base: Side, names: Sequence[str]) -> Mapping[str, str]:
    """Of each measured artifact. Raises ``UnknownName`` for a name that is none of them, or, where
    nothing was measured, none of the bundle's."""
    found = {row.artifact: row.scheme for row in base.latencies.values()}
    found |= {row.artifact: row.scheme for row in base.counts.values()}
    known = found or {a.name: a.scheme for a in bundle.artifacts()}
    for name in names:
        if name not in known and name not in known.values():
            raise UnknownName("measured artifact", name, {*known, *known.values()})
    return found


def _only_new(base: Side, new: Side, metrics: Sequence[Metric]) -> list[str]:
    """What the new bundle measured and the earlier one did not: it is held against nothing."""
    found: list[tuple[str, str, str, int]] = []
    if "latency" in metrics:
        found += [key for key, row in new.latencies.items() if row.is_latency]
    if "instructions" in metrics:
        found += list(new.counts)
    known = {*base.latencies, *base.counts}
    return list(
        dict.fromkeys(f"{key[0]} in {key[1]} on {key[2]}" for key in found if key not in known)
    )


def _emulated_time(row: GateRow) -> bool:
    return row.metric == "latency" and is_emulated(row.target)

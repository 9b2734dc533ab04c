"""What a gate found: as a table of words, and as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from edgewright.regressions.comparing import Decision, percent

if TYPE_CHECKING:
    from edgewright.regressions.comparing import GateRow
    from edgewright.verbs.gate import GateResult

HEADINGS = ("artifact", "runtime", "metric", "base", "new", "change", "decision")


def cells(row: GateRow) -> tuple[str, ...]:
    """One line of the table, in the order of ``HEADINGS``."""
    return (
        row.artifact,
        where(row),
        row.metric,
        _value(row, row.base),
        _value(row, row.new),
        _change(row),
        row.decision.value,
    )


def where(row: GateRow) -> str:
    name = row.runtime if row.threads == 1 else f"{row.runtime} x{row.threads}"
    return name if row.target == "local" else f"{name} on {row.target}"


def lines(result: GateResult) -> list[str]:
    """The reasons, then what was decided."""
    said = [
        f"  {row.artifact} in {where(row)}: {row.metric}: {row.reason}"
        for row in result.rows
        if row.reason
    ]
    said += [f"  {note}" for note in result.notes]
    counts = [
        f"{sum(row.decision is decision for row in result.rows)} {decision.value}"
        for decision in Decision
    ]
    allowed = percent(result.max_regression)
    return [*said, f"{result.decision.value}: {', '.join(counts)}; {allowed} slower is allowed"]


def as_json(result: GateResult) -> str:
    """One object; ``low`` and ``high`` are the ends of the interval of ``ratio`` = new / base."""
    return json.dumps(
        {
            "base": str(result.base),
            "new": str(result.new),
            "max_regression": result.max_regression,
            "rows": [{**asdict(row), "decision": row.decision.value} for row in result.rows],
            "notes": list(result.notes),
            "decision": result.decision.value,
            "exit_code": result.exit_code,
        },
        indent=1,
        allow_nan=False,
        ensure_ascii=False,
    )


def _value(row: GateRow, value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f}" if row.metric == "instructions" else f"{value / 1e6:.4g} ms"


def _change(row: GateRow) -> str:
    if row.ratio is None or row.low is None or row.high is None:
        return "-"
    return f"{row.ratio - 1:+.2%} ({row.low - 1:+.2%}..{row.high - 1:+.2%})"

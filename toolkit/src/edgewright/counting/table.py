"""Counts as a table of words, and as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edgewright.counting.results import CountRow
    from edgewright.counting.run import CountResult

HEADINGS = ("artifact", "runtime", "instructions per inference", "against float32", "spread")
NOTE = "counts of instructions on an emulated processor, in one thread: no latencies"


def cells(row: CountRow) -> tuple[str, ...]:
    """One line of the table, in the order of ``HEADINGS``."""
    return (
        row.artifact,
        f"{row.runtime} on {row.target}",
        f"{row.instructions:,.0f}",
        "-" if row.against_float32 is None else f"{row.against_float32:.3g} x",
        f"{row.spread:.3%}",
    )


def as_json(result: CountResult) -> str:
    """One object; ``instructions`` are of one inference."""
    return json.dumps(
        {
            "bundle": str(result.bundle),
            "job": result.job,
            "unit": "instructions",
            "rows": [{**asdict(row), "spread": row.spread} for row in result.rows],
            "failures": [asdict(failure) for failure in result.failures],
            "not_on_this_target": dict(result.not_here),
            "measured_rounds": result.measured_rounds,
            "interrupted": result.interrupted,
            "exit_code": result.exit_code,
        },
        indent=1,
        allow_nan=False,
        ensure_ascii=False,
    )

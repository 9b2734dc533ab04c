"""The results as JSON, for programs."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edgewright.verbs.bench import BenchResult


def as_json(result: BenchResult) -> str:
    """One object; times in nanoseconds, sizes in bytes, as the names of the fields say."""
    return json.dumps(
        {
            "bundle": str(result.bundle),
            "job": result.job,
            "rows": [asdict(row) for row in result.rows],
            "failures": [asdict(failure) for failure in result.failures],
            "not_on_this_target": dict(result.not_here),
            "set_aside": list(result.set_aside),
            "measured_rounds": result.measured_rounds,
            "interrupted": result.interrupted,
            "exit_code": result.exit_code,
        },
        indent=1,
        allow_nan=False,
        ensure_ascii=False,
    )

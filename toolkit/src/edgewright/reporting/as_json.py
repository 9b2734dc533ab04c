"""The facts as JSON, for programs: the fields of the records, the names of the page."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edgewright.reporting.facts import Facts

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]


def as_json(facts: Facts, *, report: Path) -> str:
    """One object; times in nanoseconds, sizes in bytes, ``null`` where a number is unknown."""
    from edgewright.reporting.controls import no_time_gained
    from edgewright.reporting.verdict import headline
    from edgewright.sensitivities.results import as_plain

    data = {
        "report": str(report),
        "bundle": facts.bundle,
        "headline": headline(facts)[0],
        "decisions": facts.decisions,
        "pareto_front": [list(name) for name in sorted(facts.front)],
        "source": asdict(facts.source) if facts.source else None,
        "artifacts": [
            {
                **asdict(s.artifact),
                "brotli_bytes": s.brotli_bytes,
                "decision": s.decision,
                "not_on_this_target": s.not_here,
                "accuracy": [{**asdict(r), "decision": r.decision} for r in s.accuracy],
                "latency": [asdict(row) for row in s.latency],
            }
            for s in facts.subjects
        ],
        "compressed": [
            {
                **asdict(c),
                "artifacts": [s.artifact.name for s in facts.subjects if s.compressed == c.key],
            }
            for c in facts.compressed
        ],
        "tries": [asdict(attempt) for attempt in facts.tries],
        "sensitivity": [as_plain(run) for run in facts.sensitivities],
        "no_time_gained": [{**asdict(u), "sure": u.sure} for u in no_time_gained(facts)],
        "baselines_again": [asdict(one) for one in facts.again],
        "failures": [asdict(failure) for failure in facts.failures],
        "set_aside": list(facts.set_aside),
    }
    return json.dumps(_plain(data), indent=1, allow_nan=False, ensure_ascii=False)


def _plain(value: object) -> Json:
    """JSON has no NaN and no infinity: an output that has them gives ``null``."""
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if value is None or isinstance(value, bool | int | str):
        return value
    return str(value)

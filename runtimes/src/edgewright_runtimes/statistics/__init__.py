"""Statistics of latency samples, computed when read and never stored; numpy only."""

from edgewright_runtimes.statistics.comparison import Comparison, compare
from edgewright_runtimes.statistics.summary import Summary, Tail, summarize
from edgewright_runtimes.statistics.verdict import (
    PRESETS,
    Judgement,
    Preset,
    Verdict,
    verdict,
)

__all__ = [
    "PRESETS",
    "Comparison",
    "Judgement",
    "Preset",
    "Summary",
    "Tail",
    "Verdict",
    "compare",
    "summarize",
    "verdict",
]

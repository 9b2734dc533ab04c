"""Is one artifact faster than its baseline, and by how much?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgewright_runtimes.statistics.summary import Summary

Rounds = Sequence[NDArray[np.int64]] | Sequence[NDArray[np.float64]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """``ratio`` is new / base (0.5: twice as fast), ``low`` and ``high`` its 99 % interval.

    ``low``, ``high`` and ``smallest_visible`` are ``None`` where no interval can be given
    (``words`` says why). ``smallest_visible`` is a relative difference (0.02: 2 %).
    """

    ratio: float
    low: float | None
    high: float | None
    different: bool
    smallest_visible: float | None
    words: str


def compare(
    new: Summary | Rounds, base: Summary | Rounds, base_again: Summary | Rounds | None = None
) -> Comparison:
    """Compare ``new`` with ``base``: summaries, or rounds of nanoseconds *of one call*.

    ``base_again`` is the baseline measured a second time under another name.
    """
    raise NotImplementedError

"""Gates: which metric may get worse by how much.

``accuracy:0.5`` is half a point (proportions), ``mae:5%`` is relative to the source (the rest).
A gate says nothing of which way is better: the metric knows.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from edgewright.accuracy.metrics import Metric, metric_named
from edgewright_runtimes.errors import BadInput


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """``limit`` is the most that ``metric`` may get worse: a share of one, never points.

    For a proportion 0.005 is half a point; for the rest 0.05 is 5 % of the source's value.
    """

    metric: Metric
    limit: float

    @property
    def text(self) -> str:
        """As it is typed; read back by ``read_gate``."""
        percent = "" if self.metric.proportion else "%"
        return f"{self.metric.name}:{self.limit * 100:.12g}{percent}"


def read_gate(text: str) -> Gate:
    """Read ``METRIC:DROP``. Raises ``BadInput`` or ``UnknownName``."""
    name, colon, drop = text.rpartition(":")
    if not colon:
        raise BadInput(f"gate {text!r} is not METRIC:DROP", hint="for example accuracy:0.5")
    metric = metric_named(name)
    relative = drop.endswith("%")
    try:
        limit = float(drop.removesuffix("%")) / 100
    except ValueError:
        limit = math.nan
    if not math.isfinite(limit) or limit < 0:
        raise BadInput(f"gate {text!r}: {drop!r} is not a drop", hint="for example 0.5, or 5%")
    if metric.proportion and relative:
        raise BadInput(
            f"gate {text!r}: {metric.name} is a proportion, its drop is in points",
            hint=f"for example --gate {metric.name}:0.5",
        )
    if not metric.proportion and not relative:
        raise BadInput(
            f"gate {text!r}: {metric.name} is no proportion, its drop is relative to the source",
            hint=f"for example --gate {metric.name}:5%",
        )
    return Gate(metric=metric, limit=limit)


def read_gates(
    gates: Sequence[str], *, max_drop: float | None = None, min_agreement: float | None = None
) -> tuple[Gate, ...]:
    """All gates of a run: those given, and what ``--max-drop`` and ``--min-agreement`` mean.

    Agreement is judged against the source's with itself, which is 100 %.
    """
    texts = list(gates)
    if max_drop is not None:
        texts.append(f"accuracy:{max_drop}")
    if min_agreement is not None:
        if not 0 <= min_agreement <= 100:
            raise BadInput(f"--min-agreement is {min_agreement}, 0 to 100 (percent) was expected")
        texts.append(f"agreement:{100 - min_agreement:.12g}")
    read = [read_gate(text) for text in texts]
    names = [gate.metric.name for gate in read]
    twice = next((n for n in names if names.count(n) > 1), None)
    if twice is not None:
        raise BadInput(f"two gates for {twice}", hint="give each metric one gate")
    return tuple(read)

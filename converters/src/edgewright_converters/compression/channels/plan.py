"""The ``prune-channels`` table of a recipe."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import Literal

from edgewright_converters.compression.training.plan import FinetunePlan
from edgewright_runtimes.errors import BadInput, UnknownName
from edgewright_runtimes.records import SCHEMES

Objective = Literal["ratio", "parameters", "macs", "latency"]
Criterion = Literal["auto", "l1", "batch-norm", "taylor"]
_WORDS: dict[Objective, str] = {
    "ratio": "channels",
    "parameters": "parameters",
    "macs": "macs",
    "latency": "latency",
}


@dataclass(frozen=True, kw_only=True)
class PruneChannels:
    """``ratio`` is the share to take away: of each layer's channels (objective ``ratio``), of the
    parameters, of the multiply-accumulates, or of the latency of the ``scheme``'s artifact.

    ``criterion`` ranks the channels: ``auto`` is ``taylor`` where there is data, else ``l1``.
    Widths become multiples of ``multiple`` (of a half or a quarter of it in layers no wider).
    ``layers`` and ``exclude`` are name patterns or kinds; channels that an addition ties go
    together, so that one excluded layer keeps all that it is tied to.
    In several ``cuts`` an equal factor is taken each time, with ``between_epochs`` of fine-tuning
    after each but the last; ``finetune`` follows the last one, where there is data.
    Latency is searched with at most ``trials`` measured models per cut, in about
    ``search_seconds``.
    """

    ratio: float = 0.5
    objective: Objective = "ratio"
    criterion: Criterion = "auto"
    multiple: int = 8
    min_channels: int = 1
    layers: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    cuts: int = 1
    between_epochs: int = 1
    scheme: str = "int8"
    trials: int = 48
    search_seconds: float = 900.0
    finetune: FinetunePlan = field(default_factory=FinetunePlan)

    def __post_init__(self) -> None:
        if not (math.isfinite(self.ratio) and 0 < self.ratio < 1):
            raise BadInput(
                f"ratio is {self.ratio:g}; more than 0 and less than 1 was expected"
                " (the share to take away)"
            )
        for name in ("multiple", "cuts"):
            if getattr(self, name) < 1:
                raise BadInput(f"{name} is {getattr(self, name)}; 1 or more was expected")
        if self.min_channels < 1:
            raise BadInput(
                f"min_channels is {self.min_channels}; 1 or more was expected: a layer without"
                " channels gives nothing"
            )
        if self.between_epochs < 0:
            raise BadInput(f"between_epochs is {self.between_epochs}; 0 or more was expected")
        if self.trials < 8:
            raise BadInput(f"trials is {self.trials}; 8 or more was expected")
        if not self.search_seconds > 0:
            raise BadInput(f"search_seconds is {self.search_seconds}; more than 0 was expected")
        known = tuple(dict.fromkeys(s for schemes in SCHEMES.values() for s in schemes))
        if self.scheme not in known:
            raise UnknownName("scheme", self.scheme, known)

    @property
    def label(self) -> str:
        """``channels50``, ``parameters50``, ``macs50``, ``latency50``."""
        return f"{_WORDS[self.objective]}{self.ratio * 100:g}"


def from_label(word: str) -> PruneChannels | None:
    found = re.fullmatch(rf"({'|'.join(_WORDS.values())})(\d+(?:\.\d+)?)", word)
    if found is None:
        return None
    objective = next(o for o, name in _WORDS.items() if name == found[1])
    return PruneChannels(objective=objective, ratio=float(found[2]) / 100)

"""How sparse at which step: TFMOT's two schedules, in its words."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

from edgewright_runtimes.errors import BadInput

_AUTO_END = 0.2  # of the training: the rest is for learning to do without
_LEAST_UPDATES = 10  # of the masks, however short the training is


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """``polynomial`` is ``PolynomialDecay``, ``constant`` is ``ConstantSparsity``. ``auto`` is
    polynomial, and constant for N:M: pruned at once, then retrained (Mishra et al. 2021,
    arXiv:2104.08378).

    Their ``final_sparsity`` and ``target_sparsity`` are the step's ``sparsity``. Steps are those of
    training; ``end_step`` -1 is a fifth of them. Masks are renewed every ``frequency`` steps, and
    more often where that would be less than ten times.
    """

    kind: Literal["auto", "polynomial", "constant"] = "auto"
    initial_sparsity: float = 0.0
    begin_step: int = 0
    end_step: int = -1
    frequency: int = 100
    power: float = 3.0

    def __post_init__(self) -> None:
        if not 0 <= self.initial_sparsity < 1:
            raise BadInput(
                f"initial_sparsity is {self.initial_sparsity:g}; 0 or more and less than 1 was"
                " expected"
            )
        if self.begin_step < 0:
            raise BadInput(f"begin_step is {self.begin_step}; 0 or more was expected")
        if self.end_step != -1 and self.end_step <= self.begin_step:
            raise BadInput(
                f"end_step is {self.end_step}; more than {self.begin_step} was expected, the"
                " begin_step, or -1",
                hint="-1 is a fifth of the training",
            )
        if self.frequency < 1:
            raise BadInput(f"frequency is {self.frequency}; 1 or more was expected")
        if not (self.power > 0 and math.isfinite(self.power)):
            raise BadInput(f"power is {self.power:g}; a number more than 0 was expected")

    def chosen(self, *, groups: bool) -> Schedule:
        """With ``auto`` decided; an ``end_step`` or ``initial_sparsity`` asks for a decay."""
        if self.kind != "auto":
            return self
        gradual = not groups or self.end_step != -1 or self.initial_sparsity > 0
        return replace(self, kind="polynomial" if gradual else "constant")

    def end(self, total: int) -> int:
        """The step at which the final sparsity is there. Raises ``BadInput`` past the last one."""
        if self.kind == "constant":
            end = self.begin_step
        elif self.end_step == -1:
            end = max(self.begin_step, int(total * _AUTO_END))
        else:
            end = self.end_step
        if end >= total:
            raise BadInput(
                f"pruning ends at step {end} and training after {total} steps",
                hint="more epochs, or a smaller begin_step and end_step",
            )
        return end

    def due(self, step: int, total: int) -> bool:
        """Whether the masks are renewed before this step."""
        end = self.end(total)
        if not self.begin_step <= step <= end:
            return False
        every = min(self.frequency, max(1, (end - self.begin_step) // _LEAST_UPDATES))
        return step == end or (step - self.begin_step) % every == 0

    def sparsity(self, step: int, total: int, final: float) -> float:
        """At a step that is due: TFMOT's PolynomialDecay (Zhu, Gupta 2017)."""
        end = self.end(total)
        if self.kind == "constant" or step >= end:
            return final
        left = 1 - (step - self.begin_step) / (end - self.begin_step)
        return float(final + (self.initial_sparsity - final) * left**self.power)

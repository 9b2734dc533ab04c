"""The step ``finetune``: training as it was, with what earlier steps made of the weights held.

In a table of other steps the same settings stand beside every technique as its control.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from edgewright_converters.compression.constraints import held
from edgewright_converters.compression.graph.build import copy_model
from edgewright_converters.compression.step import StepResult
from edgewright_converters.compression.training import FinetunePlan, fit
from edgewright_runtimes.errors import BadInput

if TYPE_CHECKING:
    from edgewright_converters.compression.context import Context

SUMMARY = "train on, with labels or learning from the model as it was"


@dataclass(frozen=True, kw_only=True)
class Finetune(FinetunePlan):
    """As the table of the same name in other steps, which may train nothing; this one trains."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.epochs < 1:
            raise BadInput(
                f"epochs is {self.epochs}; 1 or more was expected", hint="or leave the step out"
            )

    @property
    def label(self) -> str:
        return "finetune"


PARAMS = Finetune


def from_label(word: str) -> Finetune | None:
    return Finetune() if word == "finetune" else None


def apply(model: Any, params: Finetune, context: Context) -> StepResult:
    """Raises ``BadInput`` without data, ``Interrupted`` on Ctrl-C."""
    trained = copy_model(model)
    constraints, notes = held(trained, context.history)
    result = fit(trained, params, context, constraints=constraints)
    return StepResult(
        model=result.model,
        notes=(*notes, *result.notes),
        details={"epochs": list(result.history), "best_epoch": result.best_epoch},
    )

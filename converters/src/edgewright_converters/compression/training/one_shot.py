"""Constraints with training where there is something to learn from, and at once where not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from edgewright_converters.compression.training.fitting import FitResult, fit

if TYPE_CHECKING:
    from edgewright_converters.compression.context import Context
    from edgewright_converters.compression.training.constraint import Constraint
    from edgewright_converters.compression.training.plan import FinetunePlan


def fit_or_finish(
    model: Any, plan: FinetunePlan, context: Context, constraints: Sequence[Constraint]
) -> FitResult:
    """As ``fit``; without data or epochs the constraints take their final form untrained."""
    if context.train is not None and plan.epochs:
        return fit(model, plan, context, constraints=constraints)
    for constraint in constraints:
        constraint.finish()
    why = "no data" if context.train is None else "no epochs"
    note = f"{why}: done in one shot, without fine-tuning"
    return FitResult(model=model, history=(), best_epoch=0, notes=(note,))

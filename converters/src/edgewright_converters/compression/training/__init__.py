"""Training for every step that needs it: one loop, one table of settings."""

from __future__ import annotations

from edgewright_converters.compression.training.constraint import Constraint
from edgewright_converters.compression.training.fitting import FitResult, Interrupted, fit
from edgewright_converters.compression.training.plan import FinetunePlan

__all__ = ["Constraint", "FinetunePlan", "FitResult", "Interrupted", "fit"]

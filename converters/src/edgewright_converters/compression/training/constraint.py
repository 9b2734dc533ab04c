"""What a constraint on weights is: a form that holds through every training step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol


class Constraint(Protocol):
    """Its own state is in variables, so that a checkpoint has it and a resumed run goes on.

    Of each step: ``before_step`` in Python, then, as part of the step's graph, ``before_update``,
    the optimizer, ``after_update``.
    """

    def variables(self) -> Sequence[Any]:
        """``tf.Variable`` or Keras variables that a checkpoint keeps."""

    def before_step(self, step: int, total: int) -> None:
        """``step`` counts from 0 through all epochs, of ``total``."""

    def before_update(self) -> None:
        """In the graph: the gradients are there, the weights are as the model used them."""

    def after_update(self) -> None:
        """In the graph: bring the weights back to their form."""

    def settled(self, step: int) -> bool:
        """Whether after ``step`` steps the form is the final one: only then may a best be kept."""

    def finish(self) -> None:
        """Bring the weights to their final form, wherever training stopped."""

    def numbers(self) -> Mapping[str, float]:
        """What is worth showing, by name: ``sparsity``."""

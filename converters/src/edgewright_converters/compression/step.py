"""The seam of steps: a module that takes a Keras 3 model and gives one, with what it did.

A step's parameters are a frozen dataclass beside the step; on disk they are the table of a recipe.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from edgewright_runtimes.records import Skipped

if TYPE_CHECKING:
    from edgewright_converters.compression.context import Context
    from edgewright_converters.compression.ranges import TensorRanges


class Params(Protocol):
    """A step's parameters; ``__post_init__`` raises ``BadInput`` for values that make no sense."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def label(self) -> str:
        """The step's word in names: ``prune50``, ``prune2of4``; no ``_`` and no ``-`` in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepResult:
    """``model`` is a Keras 3 model of plain layers: any Keras loads it, without Edgewright.

    ``ranges`` are of the tensors that the artifacts' integer schemes are to use, where the step
    found them by training (``qat``); a later step that changes tensors drops them.
    """

    model: Any
    skipped: tuple[Skipped, ...] = ()
    notes: tuple[str, ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict)
    ranges: TensorRanges | None = None


class StepModule(Protocol):
    """One module per step, one row in ``catalogue.STEPS``."""

    SUMMARY: str
    PARAMS: type[Params]

    def from_label(self, word: str) -> Params | None:
        """The parameters a label stands for (``prune50``), ``None`` for another step's word."""

    def apply(self, model: Any, params: Any, context: Context) -> StepResult:
        """``model`` is never changed: what comes out is another one.

        Raises ``BadInput`` for what a person can mend. A layer the step does not know is left as
        it is and listed in ``skipped``.
        """

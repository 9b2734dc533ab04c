"""What a step may use besides the model: data, the model as it was, a folder, a listener."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import numpy as np

    from edgewright_runtimes.records import StepRecord

    Array = np.ndarray[Any, Any]
    Augment = Callable[[Array, np.random.Generator], Array]


@dataclass(frozen=True, slots=True, kw_only=True)
class Items:
    """Ready feeds [items, ...] by input name, already preprocessed; memory-mapped where big.

    They stand in the order of the model's inputs, which a step must keep.

    ``labels`` is [items] or [items, ...], ``None`` without.
    """

    inputs: Mapping[str, Array]
    labels: Array | None

    def __len__(self) -> int:
        return len(next(iter(self.inputs.values())))


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Where a step stands: ``done`` of ``total`` training steps (0: not known), and its numbers."""

    done: int
    total: int
    words: str = ""
    numbers: Mapping[str, float] = field(default_factory=dict)  # loss, accuracy, sparsity, ...


class Measure(Protocol):
    def __call__(self, models: Sequence[Any], *, scheme: str) -> list[float]:
        """The median latency in nanoseconds of each Keras model's artifact, rounds interleaved.

        Measured on the target that was asked for. Raises ``BadInput`` where none can measure.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """``train`` is what may be learnt from; ``held_back`` chooses (the best epoch), not learnt.

    ``scored`` is what the model is scored on after the step; a step has no other use for it.
    ``folder`` is the step's own, kept until the step is done: checkpoints of a run that was cut
    short lie there. ``original`` is the source's model, the teacher where there are no labels;
    ``before`` the model as it came into the step, which a plan may name as its teacher.
    """

    train: Items | None
    held_back: Items | None
    original: Any
    folder: Path
    before: Any = None
    scored: Items | None = None
    seed: int = 0
    history: tuple[StepRecord, ...] = ()  # the steps before this one
    augment: Augment | None = None  # (item [...], generator) -> item, on preprocessed items
    tensorboard: Path | None = None
    measure: Measure | None = None
    tell: Callable[[Progress], None] = lambda _: None

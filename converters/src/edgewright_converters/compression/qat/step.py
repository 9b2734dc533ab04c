"""The step ``qat``: training with the arithmetic of the int8 files, which then hold what it found.

It follows TFLite's quantization specification (Jacob et al. 2018): weights symmetric and per
channel, tensors with one range each, biases of 32 bits. The result is a plain model with its batch
norms folded, and the ranges beside it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from edgewright_converters.compression.constraints import held
from edgewright_converters.compression.fold import fold
from edgewright_converters.compression.graph.flat import flatten
from edgewright_converters.compression.qat.calibrate import (
    calibrate,
    chosen_items,
    input_ranges,
)
from edgewright_converters.compression.qat.graph import TrainedGraph
from edgewright_converters.compression.qat.plan import make_plan
from edgewright_converters.compression.scores import score
from edgewright_converters.compression.step import StepResult
from edgewright_converters.compression.training import FinetunePlan, fit
from edgewright_runtimes.errors import BadInput

if TYPE_CHECKING:
    from edgewright_converters.compression.context import Context

SUMMARY = "train with int8 arithmetic, which the TFLite and ONNX int8 files then hold"


@dataclass(frozen=True, kw_only=True)
class QatFinetune(FinetunePlan):
    """Gentler than elsewhere: at 1e-3 what rounding costs is lost in what the rate costs."""

    epochs: int = 3
    learning_rate: float = 1e-4


@dataclass(frozen=True, kw_only=True)
class Qat:
    """``ranges`` of tensors follow a moving average of what is seen, or are learned.

    They are frozen after the share ``freeze`` of all training steps.
    """

    ranges: Literal["moving_average", "learned"] = "moving_average"
    freeze: float = 0.7
    calibration_items: int = 512
    finetune: QatFinetune = field(default_factory=QatFinetune)

    def __post_init__(self) -> None:
        if not 0 <= self.freeze <= 1:
            raise BadInput(
                f"freeze is {self.freeze:g}; 0 to 1 was expected, a share of the training"
            )
        if self.calibration_items < 1:
            raise BadInput(f"calibration_items is {self.calibration_items}; 1 or more was expected")

    @property
    def label(self) -> str:
        return "qat"


PARAMS = Qat


def from_label(word: str) -> Qat | None:
    return Qat() if word == "qat" else None


def apply(model: Any, params: Qat, context: Context) -> StepResult:
    """Raises ``BadInput`` without data, and where no layer computes in integers."""
    if context.train is None:
        raise BadInput("qat needs data, and none was given", hint="add --data TRAIN")
    plain, folded = fold(model)
    plan = make_plan(flatten(plain))
    if not any(plan.is_integer(place) for place in range(len(plan.graph.nodes))):
        kinds = ", ".join(dict.fromkeys(node.kind for node in plan.graph.layers()))
        raise BadInput(
            f"qat knows no integer kernel for any layer of this model: {kinds}",
            hint="leave the step out, and take the scheme dynamic or float16",
        )
    arrays = chosen_items(context.train, params.calibration_items, context.seed)
    trained = TrainedGraph(
        plan,
        learned=params.ranges == "learned",
        still=frozenset(input_ranges(plan, arrays)),
    )
    calibrate(trained, plain, context.train, arrays)
    kept, notes = held(trained.model, context.history)
    ranges = _FrozenRanges(trained, params.freeze)
    result = fit(trained.model, params.finetune, context, constraints=(*kept, ranges))
    trained.hold()
    scores, _ = score(trained.model, context.scored)
    return StepResult(
        model=trained.plain_model(),
        skipped=plan.skipped,
        notes=(*notes, *result.notes),
        details={
            "epochs": list(result.history),
            "best_epoch": result.best_epoch,
            "folded": list(folded),
            "int8_scores": scores,
        },
        ranges=trained.ranges(),
    )


class _FrozenRanges:
    """A ``Constraint``: after the share ``freeze`` of all steps the ranges stay as they are."""

    def __init__(self, trained: TrainedGraph, freeze: float) -> None:
        self._trained, self._freeze = trained, freeze
        self._total = 0
        self._done = False

    def variables(self) -> Sequence[Any]:
        return ()  # the ranges are the model's own

    def before_step(self, step: int, total: int) -> None:
        self._total = total
        if not self._done and step >= self._freeze * total:
            self._trained.hold()
            self._done = True

    def before_update(self) -> None:
        """Ranges move while the model is called."""

    def after_update(self) -> None:
        """Ranges move while the model is called."""

    def settled(self, step: int) -> bool:
        return self._total > 0 and step > self._freeze * self._total

    def finish(self) -> None:
        self._trained.hold()

    def numbers(self) -> Mapping[str, float]:
        """The widest range: one that runs away is seen here first."""
        widths = [high - low for low, high in self._trained.ranges().layers.values()]
        return {"widest_range": max(widths)} if widths else {}

"""The step ``prune``: magnitude pruning while fine-tuning.

What comes out is a plain model with exact zeros. Zeros make it smaller when zipped, and no kernel
of LiteRT or ONNX Runtime takes less time for them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from edgewright_converters.compression.constraints import SPARSE, held
from edgewright_converters.compression.graph.build import copy_model
from edgewright_converters.compression.prune.masks import (
    emptied,
    global_masks,
    group_mask,
    layer_mask,
)
from edgewright_converters.compression.prune.pruning import Pruning
from edgewright_converters.compression.prune.schedule import Schedule
from edgewright_converters.compression.prune.structure import Structure, read_structure
from edgewright_converters.compression.step import StepResult
from edgewright_converters.compression.training import FinetunePlan
from edgewright_converters.compression.training.kernels import KNOWN, Kernel, choose_kernels
from edgewright_converters.compression.training.one_shot import fit_or_finish
from edgewright_runtimes.errors import BadInput
from edgewright_runtimes.records import Skipped

if TYPE_CHECKING:
    import numpy as np

    from edgewright_converters.compression.context import Context

    Array = np.ndarray[Any, Any]
    MakeMasks = Callable[[Mapping[str, Array], float], dict[str, Array]]

SUMMARY = "make small weights zero while fine-tuning: smaller when zipped, not faster"
_LABEL = re.compile(r"prune(?:(\d+(?:\.\d+)?)(global)?(?:block(\d+))?|(\d+)of(\d+))")


@dataclass(frozen=True, kw_only=True)
class Prune:
    """``sparsity`` is the share of zeros at the end: TFMOT's final_sparsity or target_sparsity.

    ``structure`` is ``unstructured``, N:M (``2:4``: 2 of every 4 weights along the inputs stay) or
    1xN (``1x4``: blocks of one input and 4 outputs). With ``scope`` ``global`` layers share one
    threshold, and each keeps at least ``least_kept`` weights and ``least_share`` of its own.
    """

    sparsity: float | None = None  # 0.5; of N:M what the structure says
    structure: str = "unstructured"
    scope: Literal["layer", "global"] = "layer"
    least_kept: int = 256
    least_share: float = 0.05
    layers: tuple[str, ...] = ()  # names with * and ?, or kinds; empty: all that are known
    schedule: Schedule = field(default_factory=Schedule)
    finetune: FinetunePlan = field(default_factory=FinetunePlan)

    def __post_init__(self) -> None:
        structure = read_structure(self.structure)
        given = structure.sparsity
        if self.sparsity is not None and not 0 < self.sparsity < 1:
            raise BadInput(
                f"sparsity is {self.sparsity:g}; more than 0 and less than 1 was expected",
                hint="0.5 makes half of the weights zero",
            )
        if given is not None and self.sparsity not in (None, given):
            raise BadInput(
                f"sparsity is {self.sparsity:g}, and {self.structure} makes {given:g}",
                hint=f"leave sparsity out, or type {given:g}",
            )
        if given is not None and self.scope == "global":
            raise BadInput(
                f"scope is 'global', and {self.structure} is a rule for each layer",
                hint='scope = "layer", or structure = "unstructured"',
            )
        if self.schedule.initial_sparsity >= self.final_sparsity:
            raise BadInput(
                f"schedule.initial_sparsity is {self.schedule.initial_sparsity:g}; less than"
                f" {self.final_sparsity:g} was expected, which is where it ends",
                hint="a smaller initial_sparsity, or a greater sparsity",
            )
        if self.least_kept < 0:
            raise BadInput(f"least_kept is {self.least_kept}; 0 weights or more was expected")
        if not 0 <= self.least_share < 1:
            raise BadInput(
                f"least_share is {self.least_share:g}; 0 or more and less than 1 was expected"
            )

    @property
    def final_sparsity(self) -> float:
        if self.sparsity is not None:
            return self.sparsity
        given = read_structure(self.structure).sparsity
        return 0.5 if given is None else given

    @property
    def label(self) -> str:
        structure = read_structure(self.structure)
        if structure.group:
            return f"prune{structure.kept}of{structure.group}"
        blocks = f"block{structure.block}" if structure.block > 1 else ""
        return f"prune{self.final_sparsity * 100:g}{'global' * (self.scope == 'global')}{blocks}"


PARAMS = Prune


def from_label(word: str) -> Prune | None:
    """``prune50``, ``prune80global``, ``prune50block4``, ``prune2of4``."""
    found = _LABEL.fullmatch(word)
    if found is None:
        return None
    percent, scope, block, kept, group = found.groups()
    if kept:
        return Prune(structure=f"{kept}:{group}")
    return Prune(
        sparsity=float(percent) / 100,
        structure=f"1x{block}" if block else "unstructured",
        scope="global" if scope else "layer",
    )


def apply(model: Any, params: Prune, context: Context) -> StepResult:
    """Raises ``BadInput`` where a layer would be pruned to nothing."""
    pruned = copy_model(model)
    structure = read_structure(params.structure)
    chosen, skipped = choose_kernels(pruned, params.layers)
    kernels, misfits = _fitting(chosen, structure)
    skipped += misfits
    if not kernels:
        reasons = "; ".join(f"{s.layer}: {s.reason}" for s in skipped)
        known = f"kinds that have one: {', '.join(KNOWN)}"
        raise BadInput("the model has no layer to prune", hint=reasons or known)
    make_masks = _mask_maker(kernels, params, structure)
    _check_left({k.name: k.variable.numpy() for k in kernels}, make_masks, params)
    schedule = params.schedule.chosen(groups=bool(structure.group))
    pruning = Pruning(kernels, make_masks, final=params.final_sparsity, schedule=schedule)
    before, lost = held(pruned, context.history)
    result = fit_or_finish(pruned, params.finetune, context, [pruning, *before])
    notes = (*lost, *result.notes)
    if context.train is not None and params.finetune.epochs and pruning.cut_short:
        notes += ("training stopped before the schedule's end: the rest was pruned at once",)
    zeros = {k.name: round(float((k.variable.numpy() == 0).mean()), 6) for k in kernels}
    return StepResult(
        model=pruned,
        skipped=skipped,
        notes=notes,
        details={SPARSE: zeros, "epochs": list(result.history), "best_epoch": result.best_epoch},
    )


def _fitting(
    kernels: Sequence[Kernel], structure: Structure
) -> tuple[list[Kernel], tuple[Skipped, ...]]:
    """Kernels whose shape the structure can be laid on; the layers of the others."""
    fitting, misfits = [], []
    for kernel in kernels:
        reason = _misfit(kernel, structure)
        if reason:
            misfits.append(Skipped(layer=kernel.layer, reason=reason))
        else:
            fitting.append(kernel)
    return fitting, tuple(misfits)


def _misfit(kernel: Kernel, structure: Structure) -> str:
    if not structure.group:
        return ""
    axis = kernel.input_axis
    if axis is None:
        return f"{kernel.layer_kind} has no input axis for {structure.kept}:{structure.group}"
    size = kernel.variable.shape[axis]
    if size % structure.group:
        return f"{size} inputs are no multiple of {structure.group}"
    return ""


def _mask_maker(kernels: Sequence[Kernel], params: Prune, structure: Structure) -> MakeMasks:
    axes = {kernel.name: kernel.input_axis for kernel in kernels}

    def of_layers(weights: Mapping[str, Array], sparsity: float) -> dict[str, Array]:
        return {name: layer_mask(w, sparsity, structure) for name, w in weights.items()}

    def of_groups(weights: Mapping[str, Array], sparsity: float) -> dict[str, Array]:
        return {
            name: group_mask(w, sparsity, structure, axes[name] or 0) for name, w in weights.items()
        }

    def over_all(weights: Mapping[str, Array], sparsity: float) -> dict[str, Array]:
        return global_masks(
            weights,
            sparsity,
            structure,
            least_kept=params.least_kept,
            least_share=params.least_share,
        )

    if structure.group:
        return of_groups
    return over_all if params.scope == "global" else of_layers


def _check_left(weights: Mapping[str, Array], make_masks: MakeMasks, params: Prune) -> None:
    empty = emptied(make_masks(weights, params.final_sparsity))
    if empty:
        raise BadInput(
            f"sparsity {params.final_sparsity:g} leaves nothing of {', '.join(empty)}",
            hint="a smaller sparsity, or leave the layer out with layers = [...]",
        )

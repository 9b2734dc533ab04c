"""The table of steps: one row each, imported when asked for."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, cast

from edgewright_runtimes.errors import UnknownName

if TYPE_CHECKING:
    from edgewright_converters.compression.step import StepModule

STEPS: dict[str, str] = {
    "finetune": "edgewright_converters.compression.finetune",
    "prune": "edgewright_converters.compression.prune.step",
    "prune-channels": "edgewright_converters.compression.channels.step",
    "cluster": "edgewright_converters.compression.cluster.step",
    "equalize": "edgewright_converters.compression.equalize.step",
    "qat": "edgewright_converters.compression.qat.step",
}
QUANTIZE = "quantize"  # ends a recipe; it changes no model, the formats' writers do it


def step_module(kind: str) -> StepModule:
    """Raises ``UnknownName`` with the known kinds."""
    if kind not in STEPS:
        raise UnknownName("step", kind, [*STEPS, QUANTIZE])
    return cast("StepModule", import_module(STEPS[kind]))

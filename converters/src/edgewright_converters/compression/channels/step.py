"""The step ``prune-channels``: narrower layers, so that every runtime has less to do."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgewright_converters.compression.channels.analysis import Analysis, analyse
from edgewright_converters.compression.channels.choice import Choice, Now, Start, choose, start_of
from edgewright_converters.compression.channels.chosen import chosen_spaces
from edgewright_converters.compression.channels.cut import cut
from edgewright_converters.compression.channels.plan import PruneChannels, from_label
from edgewright_converters.compression.constraints import held
from edgewright_converters.compression.graph.build import copy_model
from edgewright_converters.compression.graph.flat import flatten
from edgewright_converters.compression.step import StepResult
from edgewright_converters.compression.training import fit
from edgewright_runtimes.errors import BadInput

if TYPE_CHECKING:
    from edgewright_converters.compression.context import Context

__all__ = ["PARAMS", "SUMMARY", "apply", "from_label"]
SUMMARY = "remove whole channels, by a share of them or of parameters, operations, latency"
PARAMS = PruneChannels


def apply(model: Any, params: PruneChannels, context: Context) -> StepResult:
    """Raises ``BadInput`` where nothing can measure latency, or no widths reach what was asked."""
    if params.objective == "latency" and context.measure is None:
        raise BadInput(
            'objective "latency" measures widths on a target, and none can measure here',
            hint='name one with --target, or take objective = "macs"',
        )
    analysis = analyse(flatten(model))
    spaces, skipped = chosen_spaces(analysis, params)
    if not spaces:
        note = "no channel could be removed"
        return StepResult(model=copy_model(model), skipped=skipped, notes=(note,))
    start = start_of(model, analysis, spaces, params)
    smaller, details, notes = _in_cuts(model, analysis, start, params, context)
    if params.finetune.epochs and context.train is not None:
        constraints, held_notes = held(smaller, context.history)
        result = fit(smaller, params.finetune, context, constraints=constraints)
        details |= {"epochs": list(result.history), "best_epoch": result.best_epoch}
        notes += (*held_notes, *result.notes)
    elif params.finetune.epochs:
        notes += ("no data: the narrower model was not fine-tuned",)
    details["widths"] = _widths(analysis, smaller)
    return StepResult(model=smaller, skipped=skipped, notes=notes, details=details)


def _in_cuts(
    model: Any, analysis: Analysis, start: Start, params: PruneChannels, context: Context
) -> tuple[Any, dict[str, Any], tuple[str, ...]]:
    """Each cut leaves the same factor of what was there; training between makes up for it."""
    rows: list[dict[str, Any]] = []
    notes: dict[str, None] = {}
    for number in range(1, params.cuts + 1):
        if number > 1:
            analysis = analyse(flatten(model))
        share = 1 - (1 - params.ratio) ** (number / params.cuts)
        spaces = tuple(space for space in analysis.spaces if space.layers in start.widths)
        now = Now(model=model, analysis=analysis, spaces=spaces, share=share)
        choice = _chosen_once(now, start, params, context, context.folder / f"cut{number}.json")
        model = cut(analysis, choice.keep)
        row = dict(choice.details)
        notes.update(dict.fromkeys(choice.notes))
        if number < params.cuts and params.between_epochs and context.train is not None:
            plan = replace(params.finetune, epochs=params.between_epochs)
            constraints, _ = held(model, context.history)
            result = fit(model, plan, context, constraints=constraints, name=f"cut{number}")
            row["epochs"] = list(result.history)
        rows.append(row)
    return model, {"cuts": rows}, tuple(notes)


def _chosen_once(
    now: Now, start: Start, params: PruneChannels, context: Context, path: Path
) -> Choice:
    """A choice is kept in the step's folder: measuring again would choose other widths."""
    import numpy as np

    identity = _identity(now.model, params)
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        stored = {}
    if stored.get("identity") == identity:
        keep = now.analysis.keep_all()
        keep[stored["removed"]] = False
        return Choice(keep=keep, details=stored["details"], notes=tuple(stored["notes"]))
    choice = choose(now, start, params, context)
    removed = np.flatnonzero(~choice.keep).tolist()
    table = {"removed": removed, "details": choice.details, "notes": choice.notes}
    _write(path, {"identity": identity, **table})
    return choice


def _identity(model: Any, params: PruneChannels) -> str:
    digest = hashlib.sha256(repr(params).encode())
    for weights in model.get_weights():
        digest.update(repr(weights.shape).encode() + weights.tobytes())
    return digest.hexdigest()


def _write(path: Path, table: Mapping[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(json.dumps(table), encoding="utf-8")
    temporary.replace(path)


def _widths(analysis: Analysis, smaller: Any) -> dict[str, list[int]]:
    """Channels before and after, of each layer that was narrowed."""
    after = {name: len(units) for name, (_, units) in analyse(flatten(smaller)).makers.items()}
    before = {name: len(units) for name, (_, units) in analysis.makers.items()}
    return {
        name: [width, after[name]]
        for name, width in before.items()
        if after.get(name, width) != width
    }

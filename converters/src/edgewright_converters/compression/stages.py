"""One step on one model: applied, weighed, scored, and kept in a folder whole or not at all.

model.keras   plain layers: any Keras 3 loads it
ranges.json   where the step trained the ranges of an int8 artifact
step.json     the ``StepRecord``; written last, so that a folder with it is complete
"""

from __future__ import annotations

import hashlib
import os
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from edgewright_converters.compression import recipe
from edgewright_converters.compression.catalogue import step_module
from edgewright_converters.compression.context import Context
from edgewright_converters.compression.cost import model_cost
from edgewright_converters.compression.ranges import FILE as RANGES
from edgewright_converters.compression.ranges import save_ranges
from edgewright_converters.compression.scores import score
from edgewright_runtimes.errors import BadInput
from edgewright_runtimes.record_json import from_json, to_json
from edgewright_runtimes.records import Step, StepRecord

MODEL, RECORD = "model.keras", "step.json"


def run_step(model: Any, step: Step, context: Context) -> tuple[Any, StepRecord]:
    """Apply ``step`` and keep what came out in ``context.folder``. Returns model and record.

    Raises ``BadInput`` where weights are no numbers any more: a loss does not always show it, for
    an activation may make 0 of NaN.
    """
    start = time.perf_counter()
    before = model_cost(model)
    params = recipe.read_params(step.kind, step.params)
    result = step_module(step.kind).apply(model, params, replace(context, before=model))
    _check_finite(result.model)
    context.folder.mkdir(parents=True, exist_ok=True)
    scores, items = score(result.model, context.scored)
    if result.ranges is not None:
        save_ranges(result.ranges, context.folder)
    _save_model(result.model, context.folder / MODEL)
    record = StepRecord(
        step=step,
        before=before,
        after=model_cost(result.model),
        model_sha256=weights_sha256(result.model),
        seconds=round(time.perf_counter() - start, 3),
        scores=scores,
        items=items,
        skipped=result.skipped,
        notes=result.notes,
        details=result.details,
    )
    _write(context.folder / RECORD, to_json(record) + "\n")
    _sweep(context.folder)
    return result.model, record


def _check_finite(model: Any) -> None:
    import numpy as np

    for weight in model.weights:
        values = np.asarray(weight)
        if values.dtype.kind == "f" and not np.isfinite(values).all():
            raise BadInput(
                f"{weight.path} holds NaN or infinity after the step",
                hint="a lower learning_rate may help; does the augmentation make numbers?",
            )


def read_stage(folder: Path) -> StepRecord | None:
    """The record of a step that was done, ``None`` where the folder has none."""
    path = folder / RECORD
    if not path.exists() or not (folder / MODEL).exists():
        return None
    return from_json(StepRecord, path.read_bytes(), where=str(path))


def load_model(folder: Path) -> Any:
    from edgewright_converters.sources.frameworks import import_keras

    return import_keras().models.load_model(folder / MODEL, compile=False)


def weights_sha256(model: Any) -> str:
    """Names a model by its configuration and weights: its file also holds the time of day."""
    digest = hashlib.sha256(model.to_json().encode())
    for weights in model.get_weights():
        digest.update(weights.tobytes())
    return digest.hexdigest()


def _sweep(folder: Path) -> None:
    """The checkpoints of a step that is done are of no more use."""
    for path in folder.iterdir():
        if path.name not in (MODEL, RECORD, RANGES) and path.is_file():
            path.unlink(missing_ok=True)


def _save_model(model: Any, path: Path) -> None:
    temporary = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
    model.save(temporary)
    temporary.replace(path)


def _write(path: Path, text: str) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)

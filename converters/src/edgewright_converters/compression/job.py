"""What the compression process does: open the source, apply the steps left to do, one after one."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any

from edgewright_converters.compression.context import Context, Items, Measure, Progress
from edgewright_runtimes.errors import BadInput
from edgewright_runtimes.records import Step, StepRecord

Emit = Callable[[Mapping[str, Any]], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class CompressJob:
    """Each of ``steps`` has its folder; the first ``done`` of them lie there already.

    ``train``, ``held_back`` and ``scored`` are folders of ``.npy`` files, empty without data.
    """

    source: str
    steps: tuple[Step, ...]
    folders: tuple[str, ...]
    done: int = 0
    unsafe: bool = False
    signature: str = ""
    train: str = ""
    held_back: str = ""
    scored: str = ""
    seed: int = 0
    augment: str = ""  # module:function
    tensorboard: str = ""
    resume: bool = True
    inputs: tuple[str, ...] = ()  # the names of the arrays, in the model's order


def compress(job: CompressJob, emit: Emit, measure: Measure | None = None) -> None:
    """Emits ``source``, then ``progress`` rows and one ``step`` row for each stage.

    Raises ``BadInput`` where the source gives no Keras 3 model.
    """
    from edgewright_converters.compression.scores import score
    from edgewright_converters.compression.stages import load_model, read_stage, run_step
    from edgewright_converters.user_function import load_function
    from edgewright_runtimes.record_json import to_json

    original = open_keras(job)
    train, held_back = _items(job.train, job.inputs), _items(job.held_back, job.inputs)
    scored = _items(job.scored, job.inputs)
    scores, items = score(original, scored)
    emit({"row": "source", "scores": scores, "items": items})
    folders = [Path(folder) for folder in job.folders]
    history = _history(folders[: job.done])
    model = load_model(folders[job.done - 1]) if job.done else original
    for number in range(job.done, len(job.steps)):
        step, folder = job.steps[number], folders[number]
        if not job.resume and read_stage(folder) is None:
            shutil.rmtree(folder, ignore_errors=True)
        context = Context(
            train=train,
            held_back=held_back,
            scored=scored,
            original=original,
            folder=folder,
            seed=job.seed,
            history=history,
            augment=load_function(job.augment) if job.augment else None,
            tensorboard=Path(job.tensorboard) / f"{number}-{step.kind}"
            if job.tensorboard
            else None,
            measure=measure,
            tell=_teller(emit, number),
        )
        model, record = run_step(model, step, context)
        history = (*history, record)
        emit({"row": "step", "stage": number, "record": json.loads(to_json(record))})


def open_keras(job: CompressJob) -> Any:
    from edgewright_converters.sources import open_source

    source = open_source(Path(job.source), unsafe=job.unsafe, signature=job.signature)
    model = source.as_keras()
    if model is None:
        raise BadInput(
            f"{job.source} ({source.kind}) gives no Keras 3 model, and compression works on one",
            hint="save it as .keras with Keras 3; convert takes it as it is",
        )
    return model


def _history(folders: Sequence[Path]) -> tuple[StepRecord, ...]:
    from edgewright_converters.compression.stages import read_stage

    records = [read_stage(folder) for folder in folders]
    return tuple(record for record in records if record is not None)


def _items(folder: str, inputs: Sequence[str]) -> Items | None:
    """Memory-mapped arrays: ``0.npy``, ``1.npy`` in the order of the inputs, and ``labels.npy``."""
    import numpy as np

    if not folder:
        return None
    arrays = {
        name: np.load(Path(folder) / f"{i}.npy", mmap_mode="r", allow_pickle=False)
        for i, name in enumerate(inputs)
    }
    labels = Path(folder) / "labels.npy"
    return Items(
        inputs=arrays, labels=np.load(labels, allow_pickle=False) if labels.exists() else None
    )


def _teller(emit: Emit, stage: int) -> Callable[[Progress], None]:
    def tell(progress: Progress) -> None:
        emit(
            {
                "row": "progress",
                "stage": stage,
                "done": progress.done,
                "total": progress.total,
                "words": progress.words,
                "numbers": {k: float(v) for k, v in progress.numbers.items() if isfinite(v)},
            }
        )

    return tell

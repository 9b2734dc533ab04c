"""What the compression process does: open the source, refuse what can't be, apply the steps.

The three are apart so that what is refused is refused before anything else is built.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgewright_converters.compression.augmentation import Augmentation, load_augmentation
from edgewright_converters.compression.context import Context, Items, Measure, Progress
from edgewright_converters.compression.refusals import (
    StepRefused,
    check_classes,
    check_data,
    check_layers,
)
from edgewright_runtimes.errors import BadInput, UsageError
from edgewright_runtimes.records import Step, StepRecord, TensorSpec

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

Emit = Callable[[Mapping[str, Any]], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class CompressJob:
    """Each of ``steps`` has its folder; the first ``done`` of them lie there already."""

    source: str
    steps: tuple[Step, ...]
    folders: tuple[str, ...]
    done: int = 0
    unsafe: bool = False
    signature: str = ""
    seed: int = 0
    augment: str = ""  # module:function
    tensorboard: str = ""
    resume: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class DataFolders:
    """Each has ``0.npy``, ``1.npy`` in the order of the inputs; empty without data.

    ``labels.npy`` and ``places.npy`` (what a person calls the items) lie beside them.
    """

    train: str = ""
    held_back: str = ""
    scored: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """The source as a Keras 3 model, and what the data is to look like."""

    job: CompressJob
    model: Any
    inputs: tuple[TensorSpec, ...]
    augment: Augmentation | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Data:
    train: Items | None
    held_back: Items | None
    scored: Items | None


def open_job(job: CompressJob) -> Opened:
    """Raises ``BadInput`` where the source gives no Keras 3 model, a pattern matches no layer of
    it, or the augmentation is no function."""
    from edgewright_converters.sources import open_source

    augment = load_augmentation(job.augment)
    source = open_source(Path(job.source), unsafe=job.unsafe, signature=job.signature)
    model = source.as_keras()
    if model is None:
        raise BadInput(
            f"{job.source} ({source.kind}) gives no Keras 3 model, and compression works on one",
            hint="save it as .keras with Keras 3; convert takes it as it is",
        )
    check_layers(model, job.steps)
    return Opened(
        job=job,
        model=model,
        inputs=tuple(source.signature.inputs),
        augment=augment,
    )


def open_data(opened: Opened, folders: DataFolders) -> Data:
    """Memory-mapped. Raises ``BadInput`` where the steps to do can't learn from it."""
    names = [spec.name for spec in opened.inputs]
    data = Data(
        train=_items(folders.train, names),
        held_back=_items(folders.held_back, names),
        scored=_items(folders.scored, names),
    )
    check_data(
        opened.model,
        opened.job.steps,
        data.train,
        data.held_back,
        done=opened.job.done,
        places=(_places(folders.train), _places(folders.held_back)),
        augment=opened.augment,
    )
    if data.scored is not None and folders.scored != folders.held_back:
        labels, places = data.scored.labels, _places(folders.scored)
        check_classes(opened.model, labels, "--check", places, marks=False)
    return data


def compress(opened: Opened, data: Data, emit: Emit, measure: Measure | None = None) -> None:
    """Emits ``source``, then ``progress`` rows and one ``step`` row for each stage.

    Raises ``StepRefused`` where a step can't be done.
    """
    from edgewright_converters.compression.scores import score
    from edgewright_converters.compression.stages import load_model, read_stage, run_step
    from edgewright_runtimes.record_json import to_json

    job = opened.job
    scores, items = score(opened.model, data.scored)
    emit({"row": "source", "scores": scores, "items": items})
    folders = [Path(folder) for folder in job.folders]
    history = _history(folders[: job.done])
    model = load_model(folders[job.done - 1]) if job.done else opened.model
    for number in range(job.done, len(job.steps)):
        step, folder = job.steps[number], folders[number]
        if not job.resume and read_stage(folder) is None:
            shutil.rmtree(folder, ignore_errors=True)
        logs = Path(job.tensorboard) / f"{number}-{step.kind}" if job.tensorboard else None
        context = Context(
            train=data.train,
            held_back=data.held_back,
            scored=data.scored,
            original=opened.model,
            folder=folder,
            seed=job.seed,
            history=history,
            augment=opened.augment,
            tensorboard=logs,
            measure=measure,
            tell=_teller(emit, number),
        )
        try:
            model, record = run_step(model, step, context)
        except UsageError as e:
            raise StepRefused(e, number=number) from e
        history = (*history, record)
        emit({"row": "step", "stage": number, "record": json.loads(to_json(record))})


def _history(folders: Sequence[Path]) -> tuple[StepRecord, ...]:
    from edgewright_converters.compression.stages import read_stage

    records = [read_stage(folder) for folder in folders]
    return tuple(record for record in records if record is not None)


def _items(folder: str, inputs: Sequence[str]) -> Items | None:
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


def _places(folder: str) -> Array | None:
    import numpy as np

    return np.load(Path(folder) / "places.npy", allow_pickle=False) if folder else None


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

"""The steps of a recipe that train or change the model: taken where they lie there, else made.

``prepare`` opens the source and looks at the data in the process that will train, so that what
can't be is refused before anything is built; ``run`` goes on in the same process.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgewright.compression import store
from edgewright.compression.keys import stage_keys
from edgewright.compression.latency import TargetLatencies
from edgewright.compression.process import Training
from edgewright.compression.variants import made_formats
from edgewright_converters.compression.catalogue import QUANTIZE
from edgewright_converters.compression.job import CompressJob, DataFolders
from edgewright_converters.compression.stages import MODEL
from edgewright_runtimes.record_json import from_dict
from edgewright_runtimes.records import Compressed, StepRecord, TensorSpec

if TYPE_CHECKING:
    from edgewright.bundle import Bundle
    from edgewright.compression.options import CompressOptions
    from edgewright.compression.training_data import Split
    from edgewright.data import DataSet

Hear = Callable[[Mapping[str, Any]], None]


@dataclass(slots=True, kw_only=True)
class Steps:
    """``hear`` gets the rows of the process that trains. Close it."""

    bundle: Bundle
    options: CompressOptions
    split: Split | None
    hear: Hear
    _keys: list[str] = field(init=False)
    _records: list[StepRecord] = field(init=False)
    _scores: Mapping[str, float] = field(default_factory=dict, init=False)
    _process: Training | None = field(default=None, init=False)
    _inputs: tuple[TensorSpec, ...] = field(default=(), init=False)

    def __post_init__(self) -> None:
        steps = tuple(step for step in self.options.steps if step.kind != QUANTIZE)
        formats = made_formats(self.options.steps, self.options.formats)
        self.options = replace(self.options, steps=steps, formats=formats)
        self._keys = stage_keys(self.options, self.split)
        if self.options.convert.force:
            for folder in self._folders():
                shutil.rmtree(folder, ignore_errors=True)
        self._records = _leading(self._folders())

    def prepare(self) -> None:
        """Raises ``Refused``, ``JobFailed`` or ``ProcessDied``; nothing to do where all is done."""
        if self._taken() is not None:
            return
        self._process = Training(self._job(), log=self._work() / "compression.log")
        self._inputs = self._process.open()
        self._process.check(self._write_data())

    def run(self) -> Compressed:
        """The model after all steps. Raises as ``prepare``, and ``Stopped``."""
        taken = self._taken()
        if taken is not None:
            return taken
        if self._process is None:
            raise RuntimeError("prepare comes before run")
        options = replace(self.options, inputs=tuple(spec.name for spec in self._inputs))
        train = self._work() / "train" if self.split else None
        with closing(TargetLatencies(options, train, self._work())) as latencies:
            self._process.run(latencies=latencies, tell=self._hear)
        compressed = self._compressed()
        store.add_compressed(self.bundle, compressed)
        return compressed

    def close(self) -> None:
        if self._process is not None:
            self._process.close()
            self._process = None

    def _taken(self) -> Compressed | None:
        known = {c.key: c for c in store.compressed_models(self.bundle)}
        done = len(self._records) == len(self._keys)
        return known.get(self._keys[-1]) if done else None

    def _job(self) -> CompressJob:
        options, convert = self.options, self.options.convert
        return CompressJob(
            source=str(convert.model.resolve()),
            steps=options.steps,
            folders=tuple(str(folder) for folder in self._folders()),
            done=len(self._records),
            unsafe=convert.unsafe,
            signature=convert.signature,
            seed=convert.seed,
            augment=options.augment,
            tensorboard=str(options.tensorboard.resolve()) if options.tensorboard else "",
            resume=options.resume,
        )

    def _write_data(self) -> DataFolders:
        if self.split is None:
            return DataFolders()
        train = self._written(self.split.train, "train")
        held_back = self._written(self.split.held_back, "held-back")
        judged_apart = self.split.scored is not self.split.held_back
        scored = self._written(self.split.scored, "scored") if judged_apart else held_back
        return DataFolders(train=str(train), held_back=str(held_back), scored=str(scored))

    def _written(self, data: DataSet, name: str) -> Path:
        from edgewright.compression.training_data import write_items

        folder = self._work() / name
        write_items(data, self.options.convert.preprocess, self._inputs, folder)
        return folder

    def _hear(self, row: Mapping[str, Any]) -> None:
        if row["row"] == "source":
            self._scores = row["scores"]
        elif row["row"] == "step":
            self._records.append(from_dict(StepRecord, row["record"]))
        self.hear(row)

    def _compressed(self) -> Compressed:
        key = self._keys[-1]
        return Compressed(
            key=key,
            source_sha256=self.options.convert.source_sha256,
            model=f"{store.FOLDER}/{key}/{MODEL}",
            records=tuple(self._records),
            source_scores=self._scores,
            data=self.split.train.name if self.split else "",
            data_sha256=self.split.train.sha256 if self.split else "",
        )

    def _folders(self) -> list[Path]:
        return [store.stage_folder(self.bundle, key) for key in self._keys]

    def _work(self) -> Path:
        return self.bundle.work_folder()


def _leading(folders: list[Path]) -> list[StepRecord]:
    """The records of the steps that lie there whole, up to the first that does not."""
    records: list[StepRecord] = []
    for folder in folders:
        record = store.read_step(folder)
        if record is None:
            break
        records.append(record)
    return records

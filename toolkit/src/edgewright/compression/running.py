"""A recipe from end to end: the source's own artifacts, the steps, the compressed artifacts."""

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
from edgewright.compression.options import CompressOptions, CompressResult
from edgewright.compression.process import Stopped, run_compression
from edgewright.compression.variants import compressed_variants, control_variants
from edgewright.conversion.converter import JobFailed
from edgewright.conversion.running import Derived
from edgewright.line_process import ProcessDied
from edgewright.verbs.convert import run_locked
from edgewright_converters.compression.catalogue import QUANTIZE
from edgewright_converters.compression.job import CompressJob
from edgewright_runtimes.errors import UsageError
from edgewright_runtimes.record_json import from_dict
from edgewright_runtimes.records import Compressed, Failure, SourceInfo, StepRecord, Variant

if TYPE_CHECKING:
    from edgewright.bundle import Bundle
    from edgewright.compression.training_data import Split
    from edgewright.conversion.builder import Tell
    from edgewright.conversion.options import ConvertResult

Hear = Callable[[Mapping[str, Any]], None]


@dataclass(slots=True, kw_only=True)
class Run:
    """What the parts of one run share. ``hear`` gets the rows of the process that trains."""

    bundle: Bundle
    options: CompressOptions
    split: Split | None
    tell: Tell
    hear: Hear
    source_scores: Mapping[str, float] = field(default_factory=dict)

    def whole(self) -> CompressResult:
        """Everything; an interrupt keeps what is done, and is said in the result."""
        variants = compressed_variants(self.options.steps, self.options.formats)
        if all(step.kind == QUANTIZE for step in self.options.steps):
            return self._quantized(variants)
        controls = self._convert(control_variants(variants))
        failures: tuple[Failure, ...] = controls.failures
        compressed, made, stopped = None, None, ""
        try:
            compressed = self._compress()
        except Stopped as e:
            stopped = str(e)
        except (JobFailed, ProcessDied) as e:
            if isinstance(e, UsageError):
                raise
            failures = (*failures, *self._failed(variants, e))
        if compressed is not None:
            made = self._artifacts(variants, compressed)
            failures = (*failures, *made.failures)
        return CompressResult(
            bundle=self.bundle.path,
            compressed=compressed,
            controls=(*controls.taken, *controls.built),
            artifacts=(*made.taken, *made.built) if made else (),
            failures=failures,
            warnings=(
                *controls.warnings,
                *(made.warnings if made else ()),
                *(_larger(controls, made) if made else ()),
                *([stopped] * bool(stopped)),
            ),
            interrupted=bool(stopped),
        )

    # -- artifacts ----------------------------------------------------------------------------

    def _quantized(self, variants: tuple[Variant, ...]) -> CompressResult:
        """No step changes the model: the source itself is written, as the recipe's end says."""
        asked = {v.name for v in variants}
        unique = {v.name: v for v in (*control_variants(variants), *variants)}
        made = self._convert(tuple(unique.values()))
        artifacts = (*made.taken, *made.built)
        return CompressResult(
            bundle=self.bundle.path,
            compressed=None,
            controls=tuple(a for a in artifacts if a.name not in asked),
            artifacts=tuple(a for a in artifacts if a.name in asked),
            failures=made.failures,
            warnings=made.warnings,
        )

    def _convert(self, variants: tuple[Variant, ...]) -> ConvertResult:
        options = replace(self.options.convert, variants=variants)
        data = self.split.train if self.split else None
        return run_locked(self.bundle, options, self.tell, data=data)

    def _artifacts(self, variants: tuple[Variant, ...], compressed: Compressed) -> ConvertResult:
        folder = store.stage_folder(self.bundle, compressed.key)
        options = replace(
            self.options.convert,
            variants=variants,
            model=folder / store.MODEL,
            source_sha256=compressed.key,
            signature="",
            unsafe=False,
        )
        return run_locked(
            self.bundle,
            options,
            self.tell,
            data=self.split.train if self.split else None,
            derived=Derived(folder=folder, source=self.bundle.require_source()),
        )

    def _failed(
        self, variants: tuple[Variant, ...], error: JobFailed | ProcessDied
    ) -> list[Failure]:
        hint = error.hint or "run it again: what was trained is kept"
        rows = [
            Failure(artifact=v.name, stage="convert", error=str(error.args[0]), hint=hint)
            for v in variants
        ]
        for row in rows:
            self.bundle.remove_artifact(row.artifact)
            self.bundle.add_failure(row)
            self.tell(row)
        return rows

    # -- steps --------------------------------------------------------------------------------

    def _compress(self) -> Compressed:
        """The model after all steps, taken as far as it lies there."""
        options = self.options
        steps = tuple(step for step in options.steps if step.kind != QUANTIZE)
        keys = stage_keys(replace(options, steps=steps), self.split)
        folders = [store.stage_folder(self.bundle, key) for key in keys]
        if options.convert.force:
            for folder in folders:
                shutil.rmtree(folder, ignore_errors=True)
        records = _leading(folders)
        known = {c.key: c for c in store.compressed_models(self.bundle)}
        if len(records) == len(steps) and keys[-1] in known:
            return known[keys[-1]]
        source = self.bundle.require_source()
        fresh = self._train(
            CompressJob(
                source=str(options.convert.model.resolve()),
                steps=steps,
                folders=tuple(str(folder) for folder in folders),
                done=len(records),
                unsafe=options.convert.unsafe,
                signature=options.convert.signature,
                seed=options.convert.seed,
                augment=options.augment,
                tensorboard=str(options.tensorboard.resolve()) if options.tensorboard else "",
                resume=options.resume,
                inputs=tuple(spec.name for spec in source.inputs),
            ),
            source,
        )
        compressed = Compressed(
            key=keys[-1],
            source_sha256=source.sha256,
            model=f"{store.FOLDER}/{keys[-1]}/{store.MODEL}",
            records=(*records, *fresh),
            source_scores=self.source_scores,
            data=self.split.train.name if self.split else "",
            data_sha256=self.split.train.sha256 if self.split else "",
        )
        store.add_compressed(self.bundle, compressed)
        return compressed

    def _train(self, job: CompressJob, source: SourceInfo) -> list[StepRecord]:
        work = self.bundle.work_folder()
        train, held_back, scored = (work / name for name in ("train", "held-back", "scored"))
        if self.split is not None:
            from edgewright.compression.training_data import write_items

            preprocess = self.options.convert.preprocess
            write_items(self.split.train, preprocess, source.inputs, train)
            write_items(self.split.held_back, preprocess, source.inputs, held_back)
            if self.split.scored is self.split.held_back:
                scored = held_back
            else:
                write_items(self.split.scored, preprocess, source.inputs, scored)
            job = replace(job, train=str(train), held_back=str(held_back), scored=str(scored))
        options = replace(self.options, inputs=job.inputs)
        latencies = TargetLatencies(options, train if self.split else None, work)
        records: list[StepRecord] = []

        def hear(row: Mapping[str, Any]) -> None:
            if row["row"] == "source":
                self.source_scores = row["scores"]
            elif row["row"] == "step":
                records.append(from_dict(StepRecord, row["record"]))
            self.hear(row)

        with closing(latencies):
            run_compression(job, log=work / "compression.log", latencies=latencies, tell=hear)
        return records


def _larger(controls: ConvertResult, made: ConvertResult) -> list[str]:
    """A recipe is for smaller files: one that is not is said."""
    plain = {(a.format, a.scheme): a for a in (*controls.taken, *controls.built)}
    pairs = [(a, plain.get((a.format, a.scheme))) for a in (*made.taken, *made.built)]
    return [
        f"{a.name} has {a.size_bytes:,} B, no less than {control.name} with {control.size_bytes:,}"
        for a, control in pairs
        if control is not None and a.size_bytes >= control.size_bytes
        if a.zipped_bytes >= control.zipped_bytes
    ]


def _leading(folders: list[Path]) -> list[StepRecord]:
    """The records of the steps that lie there whole, up to the first that does not."""
    records: list[StepRecord] = []
    for folder in folders:
        record = store.read_step(folder)
        if record is None:
            break
        records.append(record)
    return records

"""A recipe from end to end: the source's own artifacts, the steps, the compressed artifacts."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from edgewright.compression import store
from edgewright.compression.options import CompressOptions, CompressResult
from edgewright.compression.process import Stopped
from edgewright.compression.steps import Hear, Steps
from edgewright.compression.variants import compressed_variants, control_variants
from edgewright.conversion.converter import JobFailed
from edgewright.conversion.running import Derived
from edgewright.line_process import ProcessDied
from edgewright.verbs.convert import run_locked
from edgewright_converters.compression.catalogue import QUANTIZE
from edgewright_converters.compression.stages import MODEL
from edgewright_runtimes.errors import UsageError
from edgewright_runtimes.records import Compressed, Failure, Variant

if TYPE_CHECKING:
    from edgewright.bundle import Bundle
    from edgewright.compression.training_data import Split
    from edgewright.conversion.builder import Tell
    from edgewright.conversion.options import ConvertResult


@dataclass(slots=True, kw_only=True)
class Run:
    """What the parts of one run share. ``hear`` gets the rows of the process that trains."""

    bundle: Bundle
    options: CompressOptions
    split: Split | None
    tell: Tell
    hear: Hear

    def whole(self) -> CompressResult:
        """Everything; an interrupt keeps what is done, and is said in the result.

        Raises ``Refused``, before anything is built, for what the source and the data show of the
        recipe; later for what a step makes of an earlier one's model.
        """
        variants = compressed_variants(self.options.steps, self.options.formats)
        if all(step.kind == QUANTIZE for step in self.options.steps):
            return self._quantized(variants)
        steps = Steps(bundle=self.bundle, options=self.options, split=self.split, hear=self.hear)
        compressed, made, stopped = None, None, ""
        with closing(steps):
            failed = self._prepare(steps)
            controls = self._convert(control_variants(variants))
            try:
                compressed = steps.run() if failed is None else None
            except Stopped as e:
                stopped = str(e)
            except (JobFailed, ProcessDied) as e:
                if isinstance(e, UsageError):
                    raise
                failed = e
        failures = (*controls.failures, *(self._failed(variants, failed) if failed else ()))
        if compressed is not None:
            made = self._artifacts(variants, compressed)
            failures = (*failures, *made.failures)
        return CompressResult(
            bundle=self.bundle.path,
            compressed=compressed,
            controls=(*controls.taken, *controls.built),
            artifacts=(*made.taken, *made.built) if made else (),
            failures=failures,
            warnings=_once(
                *controls.warnings,
                *(made.warnings if made else ()),
                *(_larger(controls, made) if made else ()),
                *([stopped] * bool(stopped)),
            ),
            interrupted=bool(stopped),
        )

    def _prepare(self, steps: Steps) -> JobFailed | ProcessDied | None:
        """What is bad input is raised; a process that fails otherwise is a row beside others."""
        try:
            steps.prepare()
        except (JobFailed, ProcessDied) as e:
            if isinstance(e, UsageError):
                raise
            return e
        return None

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
            model=folder / MODEL,
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


def _once(*warnings: str) -> tuple[str, ...]:
    """The compressed model's artifacts say again what is to be said of the source."""
    return tuple(dict.fromkeys(warnings))


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

"""Build what is not built yet: one warm converter, one verifier beside it, a row for each failure.

Converting and verifying overlap: while a runtime answers the goldens, the next artifact is made.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from queue import SimpleQueue
from typing import Any, cast

from edgewright.bundle import Bundle, as_mapping, content_sha256
from edgewright.conversion.converter import Converter, JobFailed
from edgewright.conversion.options import ConvertOptions
from edgewright.conversion.verify import AGAIN_HINT, NotVerified, Verifier
from edgewright.inspection.transfer import zipped_size
from edgewright.line_process import ProcessDied, ProcessHung
from edgewright_runtimes.records import (
    Artifact,
    BuildKey,
    Failure,
    SourceInfo,
    Stage,
    Variant,
)

Outcome = Artifact | Failure
Tell = Callable[[Outcome], None]
CRASH_HINT = "the other variants are not affected; try float32, float16, or unroll recurrent layers"


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One variant to build, with the hash of all that decides what comes out."""

    variant: Variant
    key: BuildKey


@dataclass(slots=True, kw_only=True)
class Builder:
    """Everything the jobs of one run share. ``tell`` gets each outcome as it comes."""

    bundle: Bundle
    options: ConvertOptions
    source: SourceInfo
    calibration: str  # .npz of ready feeds, or empty
    goldens: Path  # .npz
    ranges: str  # trained ones, of a compressed model; or empty
    golden: str  # real | random
    goldens_sha256: str
    converters: SimpleQueue[Converter]
    children: tuple[Converter, ...]  # all of them, free or not
    verifier: Verifier
    tell: Tell
    outcomes: list[Outcome] = field(default_factory=list)
    stopped: threading.Event = field(default_factory=threading.Event)

    def build(self, jobs: tuple[Job, ...]) -> list[Outcome]:
        """Every job becomes an artifact or a failure row; an interrupt keeps what is done."""
        verifying = ThreadPoolExecutor(1, thread_name_prefix="verify")
        converting = ThreadPoolExecutor(self.options.workers, thread_name_prefix="convert")
        futures: list[Future[Future[Outcome]]] = [
            converting.submit(self._convert_then_verify, job, verifying) for job in jobs
        ]
        try:
            for future in futures:
                outcome = future.result().result()
                self.outcomes.append(outcome)
                self.tell(outcome)
        except BaseException:
            self._stop()
            raise
        finally:  # nothing may write to the bundle once its lock is free
            converting.shutdown(cancel_futures=True)
            verifying.shutdown(cancel_futures=True)
        return self.outcomes

    def _stop(self) -> None:
        """End the jobs at hand: what they come to is the stop's doing, and no row."""
        self.stopped.set()
        self.verifier.kill()
        for converter in self.children:
            converter.kill()

    def _convert_then_verify(self, job: Job, verifying: ThreadPoolExecutor) -> Future[Outcome]:
        row = self._convert(job)
        return verifying.submit(self._finish, job, row)

    def _convert(self, job: Job) -> Mapping[str, Any] | Failure:
        request = {
            "variant": dict(as_mapping(job.variant)),
            "batch": job.key.batch,
            "opset": job.key.opset,
            "folder": str(self._folder(job)),
            "calibration": self.calibration,
            "ranges": self.ranges,
            "goldens": str(self.goldens),
            "goldens_sha256": self.goldens_sha256,
            "source_name": Path(self.source.path).name,
            "source_sha256": self.source.sha256,
            "preprocess": self.options.preprocess.to_dict(),
            "labels": list(self.source.labels),
        }
        try:
            with self._converter() as converter:
                return converter.ask({"do": "convert", "request": request})
        except JobFailed as e:
            return _failure(job, cast(Stage, e.stage), str(e.args[0]), e.hint, again=e.passing)
        except ProcessDied as e:
            if not e.of_itself:
                return _failure(job, "convert", f"the converter: {e}", AGAIN_HINT, again=True)
            return _failure(job, "convert", f"the converter crashed: {e}", CRASH_HINT)
        except ProcessHung as e:
            return _failure(job, "convert", f"the converter hung: {e}", AGAIN_HINT, again=True)

    @contextmanager
    def _converter(self) -> Iterator[Converter]:
        converter = self.converters.get()
        try:
            yield converter
        finally:
            self.converters.put(converter)

    def _finish(self, job: Job, row: Mapping[str, Any] | Failure) -> Outcome:
        """Verify, record and install; or keep the failure, and drop what stood in its place."""
        name = job.variant.name
        outcome = row if isinstance(row, Failure) else self._verified(job, row)
        if self.stopped.is_set():
            return outcome
        self.bundle.clear_failures(artifact=name, stages=("convert", "verify", "load", "run"))
        if isinstance(outcome, Failure):
            self.bundle.remove_artifact(name)
            self.bundle.add_failure(outcome)
        else:
            self.bundle.add_artifact(outcome, self._folder(job))
        return outcome

    def _verified(self, job: Job, row: Mapping[str, Any]) -> Outcome:
        folder, variant = self._folder(job), job.variant
        model = folder / row["file"]
        scheme = str(row["details"].get("scheme_in_force", variant.scheme))
        try:
            if variant.format == "tfjs":
                verified = self.verifier.verify_rebuilt(row["outputs"], scheme)
            else:
                verified = self.verifier.verify(model, variant.format, scheme)
        except NotVerified as e:
            words = str(e.args[0]).removeprefix(f"{model}: ")  # where it lay is no longer there
            hint = e.hint or free_sizes_hint(self.source)
            return _failure(job, e.stage, words, hint, again=e.passing)
        target = folder if variant.format == "tfjs" else model
        return Artifact(
            name=variant.name,
            format=variant.format,
            scheme=variant.scheme,
            file=row["file"],
            size_bytes=_size(target),
            zipped_bytes=zipped_size(_files(target)),
            sha256=content_sha256(target),
            build_key=job.key.digest,
            source_sha256=self.source.sha256,
            verified=verified.words,
            max_error=verified.max_error,
            golden="real" if self.golden == "real" else "random",
            batch=job.key.batch,
            tools=job.key.tools,
            details={**row["details"], **self._compressed()},
            warnings=tuple(row["warnings"]),
            convert_seconds=round(row["seconds"], 3),
        )

    def _compressed(self) -> Mapping[str, str]:
        """The key of the compressed model that was written from, where it is not the source."""
        key = self.options.source_sha256
        return {} if key == self.source.sha256 else {"compressed": key}

    def _folder(self, job: Job) -> Path:
        return self.bundle.work_folder() / job.variant.name


def free_sizes_hint(source: SourceInfo) -> str:
    """For what a runtime can't open: sizes besides the batch that are only known at run time."""
    free = [spec for spec in source.inputs if None in spec.shape[1:]]
    if not free:
        return ""
    shown = ", ".join(f"{spec.name} {list(spec.shape)}" for spec in free)
    return f"free sizes may be the reason ({shown}): build the model with fixed ones"


def _failure(job: Job, stage: Stage, error: str, hint: str = "", *, again: bool = False) -> Failure:
    """``again``: it may go otherwise next time, so the row does not stand for its build key."""
    return Failure(
        artifact=job.variant.name,
        stage=stage,
        error=error,
        hint=hint,
        build_key="" if again else job.key.digest,
    )


def _files(target: Path) -> list[Path]:
    return [target] if target.is_file() else [p for p in target.rglob("*") if p.is_file()]


def _size(target: Path) -> int:
    return sum(p.stat().st_size for p in _files(target))

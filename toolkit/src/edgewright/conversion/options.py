"""What a conversion was asked for, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from edgewright_runtimes.records import Artifact, Failure, Format, Variant

if TYPE_CHECKING:
    from edgewright_runtimes.preprocess import Preprocess

Batch = int | Literal["dynamic"] | None  # None: each format's default


@dataclass(frozen=True, slots=True, kw_only=True)
class ConvertOptions:
    """One conversion, validated. ``calibrate`` is a data spec (``edgewright.data``)."""

    model: Path
    out: Path
    variants: tuple[Variant, ...]
    calibrate: str = ""
    samples: int = 256
    seed: int = 0
    batch: Batch = None
    opset: int | None = None
    preprocess: Preprocess
    labels: tuple[str, ...] = ()
    workers: int = 1
    force: bool = False
    unsafe: bool = False
    signature: str = ""
    source_sha256: str = ""  # given for a live object, whose file's bytes are never the same

    def batch_of(self, format_: Format) -> int | None:
        """The batch to build with; ``None`` is dynamic. 1 for TFLite unless asked otherwise."""
        if self.batch is None:
            return 1 if format_ == "tflite" else None
        return None if self.batch == "dynamic" else self.batch


@dataclass(frozen=True, slots=True, kw_only=True)
class ConvertResult:
    """``built`` now, ``taken`` from an earlier run with the same build key, and ``failures``."""

    bundle: Path
    built: tuple[Artifact, ...]
    taken: tuple[Artifact, ...]
    failures: tuple[Failure, ...]
    warnings: tuple[str, ...]

    @property
    def exit_code(self) -> int:
        """0 all made; 1 nothing made; 3 made in part."""
        if not self.failures:
            return 0
        return 3 if self.built or self.taken else 1

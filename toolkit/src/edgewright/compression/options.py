"""What a compression was asked for, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from edgewright_runtimes.records import Artifact, Compressed, Failure, Format, Step

if TYPE_CHECKING:
    from edgewright.conversion.options import ConvertOptions


@dataclass(frozen=True, slots=True, kw_only=True)
class CompressOptions:
    """``convert`` says how artifacts are built; its data is also what may be learnt from.

    A share of it is ``held_back``, by ``convert.seed``; ``check`` names other items to score on.
    ``formats`` are those of the artifacts where the recipe names none.
    """

    convert: ConvertOptions
    steps: tuple[Step, ...]
    data: str
    check: str = ""
    held_back: float = 0.1
    augment: str = ""
    formats: tuple[Format, ...] = ("tflite", "onnx")
    target: str = "local"
    tensorboard: Path | None = None
    resume: bool = True
    inputs: tuple[str, ...] = ()  # the source's, once it was read


@dataclass(frozen=True, slots=True, kw_only=True)
class CompressResult:
    """``compressed`` is the model after all steps, ``None`` where a step failed.

    ``controls`` are the source's own artifacts, beside which the others are to be read.
    """

    bundle: Path
    compressed: Compressed | None
    controls: tuple[Artifact, ...]
    artifacts: tuple[Artifact, ...]
    failures: tuple[Failure, ...]
    warnings: tuple[str, ...]
    interrupted: bool = False

    @property
    def exit_code(self) -> int:
        """0 all made; 1 nothing made; 3 made in part; 130 interrupted."""
        if self.interrupted:
            return 130
        if not self.failures:
            return 0
        return 3 if self.artifacts else 1

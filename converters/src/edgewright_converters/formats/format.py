"""The seam of formats: one writer each for TFLite, ONNX and TensorFlow.js."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import numpy as np

    from edgewright_converters.compression.ranges import TensorRanges
    from edgewright_converters.sources.source import Source
    from edgewright_runtimes.records import TensorSpec, Variant


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """Real items, already preprocessed: arrays [items, ...] by input name."""

    feeds: Mapping[str, np.ndarray[Any, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteRequest:
    """What to write. ``batch`` None is dynamic; ``opset`` None the lowest that converts.

    ``ranges`` are those that training found for the source's tensors: int8 takes them over.
    """

    variant: Variant
    batch: int | None
    opset: int | None = None
    calibration: Calibration | None = None
    ranges: TensorRanges | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What came out, before the contract is put inside: ``file`` lies in the folder given."""

    file: str  # model.tflite, model.onnx, or model.json (shards beside it)
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    details: Mapping[str, Any] = field(default_factory=dict)  # float ops, opset, activations, ...
    warnings: tuple[str, ...] = ()
    quantization: Mapping[str, Any] = field(default_factory=dict)  # short; goes into the contract


class FormatModule(Protocol):
    def write(self, source: Source, request: WriteRequest, folder: Path) -> Written:
        """Write one artifact into ``folder``.

        Raises ``ConversionError``, which names the op, the source layer and the formats that
        take it, where these can be known.
        """

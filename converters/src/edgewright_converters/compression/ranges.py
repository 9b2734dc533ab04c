"""Ranges of tensors that training found, as data beside a model: what int8 artifacts take over."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from edgewright_runtimes.record_json import from_json

FILE = "ranges.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class TensorRanges:
    """[least, greatest] in real values: of each input by its name, of each layer's output by its.

    Layer names are those of the saved model; ``relu#1`` is the second call of a layer that is
    called more than once, ``dense:linear`` what a layer computes before an activation of its own.
    Every range has its zero on one of 256 codes. Weights need none: theirs follow from their
    values.
    """

    inputs: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    layers: Mapping[str, tuple[float, ...]] = field(default_factory=dict)


def save_ranges(ranges: TensorRanges, folder: Path) -> None:
    (folder / FILE).write_text(json.dumps(asdict(ranges), sort_keys=True), encoding="utf-8")


def read_ranges(path: Path) -> TensorRanges:
    found = from_json(TensorRanges, path.read_bytes(), where=str(path))
    return TensorRanges(
        inputs={name: tuple(pair) for name, pair in found.inputs.items()},
        layers={name: tuple(pair) for name, pair in found.layers.items()},
    )

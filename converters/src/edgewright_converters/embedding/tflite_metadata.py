"""The standard ``TFLITE_METADATA``: what other tools read of tensors, labels, normalization.

Field numbers are those of ``metadata_schema.fbs`` (TensorFlow Lite Support 0.4.4).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flatbuffers import Builder

from edgewright_runtimes.flatbuffer import Table
from edgewright_runtimes.records import Contract, TensorSpec
from edgewright_runtimes.tflite_file import (
    LABELS_FILE,
    SUBGRAPH_INPUTS,
    SUBGRAPH_OUTPUTS,
    edge_names,
)

_IDENTIFIER = b"M001"
_AXIS_LABELS = 2  # AssociatedFileType
_NORMALIZATION = 1  # ProcessUnitOptions
_IMAGE, _RGB, _GRAYSCALE = 2, 1, 2  # ContentProperties, ColorSpaceType
_IMAGE_WORDS = frozenset({"resize", "crop", "color_order"})


def build_metadata(model: Table, contract: Contract) -> bytes:
    """The metadata of one subgraph, its tensors in the order in which the file has them."""
    b = Builder(1024)
    inputs = [
        _build_tensor(b, name, _input_fields(b, spec, contract.preprocess))
        for name, spec in _ordered(model, SUBGRAPH_INPUTS, contract.inputs)
    ]
    labelled = _labelled(contract)
    outputs = [
        _build_tensor(b, name, _label_fields(b) if spec and spec is labelled else {})
        for name, spec in _ordered(model, SUBGRAPH_OUTPUTS, contract.outputs)
    ]
    subgraph = _build_table(b, 10, {2: _build_vector(b, inputs), 3: _build_vector(b, outputs)})
    version = b.CreateString("1.0.0")
    root = _build_table(b, 8, {3: _build_vector(b, [subgraph]), 7: version})
    b.Finish(root, file_identifier=_IDENTIFIER)
    return bytes(b.Output())


def _ordered(
    model: Table, field: int, specs: Sequence[TensorSpec]
) -> list[tuple[str, TensorSpec | None]]:
    """The tensors at one edge of the file, each with what the contract says of it."""
    by_name = {spec.name: spec for spec in specs}
    names = edge_names(model, field)
    if len(names) == len(specs) == 1:
        return [(specs[0].name, specs[0])]
    ordered = []
    for candidates in names:
        name = next((n for n in candidates if n in by_name), candidates[0])
        ordered.append((name, by_name.get(name)))
    return ordered


def _labelled(contract: Contract) -> TensorSpec | None:
    """The output whose last axis has one entry per label; else the first."""
    if not contract.labels or not contract.outputs:
        return None
    count = len(contract.labels)
    fits = (spec for spec in contract.outputs if spec.shape and spec.shape[-1] == count)
    return next(fits, contract.outputs[0])


def _label_fields(b: Builder) -> dict[int, int]:
    name = b.CreateString(LABELS_FILE)
    file = _build_table(b, 5, {0: name}, {2: _AXIS_LABELS})
    return {6: _build_vector(b, [file])}


def _input_fields(
    b: Builder, spec: TensorSpec | None, preprocess: Mapping[str, Any]
) -> dict[int, int]:
    fields: dict[int, int] = {}
    only = preprocess.get("inputs", ())
    if spec is None or (only and spec.name not in only):
        return fields
    channels = spec.shape[-1] if len(spec.shape) == 4 else None
    rgb = preprocess.get("color_order", "rgb") == "rgb"
    if _IMAGE_WORDS & set(preprocess) and channels in (1, 3) and rgb:
        color = _RGB if channels == 3 else _GRAYSCALE
        image = _build_table(b, 2, {}, {0: color})
        fields[3] = _build_table(b, 3, {1: image}, {0: _IMAGE})
    mean, std = _normalization(preprocess)
    if mean != [0.0] or std != [1.0]:
        options = _build_table(b, 2, {0: _build_floats(b, mean), 1: _build_floats(b, std)})
        unit = _build_table(b, 2, {1: options}, {0: _NORMALIZATION})
        fields[4] = _build_vector(b, [unit])
    return fields


def _normalization(preprocess: Mapping[str, Any]) -> tuple[list[float], list[float]]:
    """TFLite knows (x - mean) / std on raw values only, so that the scale goes into both.

    (x * scale - mean) / std = (x - mean / scale) / (std / scale)
    """
    scale = float(preprocess.get("scale", 1.0))
    mean, std = (_per_channel(preprocess.get(k, d)) for k, d in (("mean", 0.0), ("std", 1.0)))
    return [m / scale for m in mean], [s / scale for s in std]


def _per_channel(value: Any) -> list[float]:
    return [float(v) for v in value] if isinstance(value, list | tuple) else [float(value)]


def _build_tensor(b: Builder, name: str, fields: Mapping[int, int]) -> int:
    return _build_table(b, 7, {0: b.CreateString(name), **fields})


def _build_table(
    b: Builder, size: int, offsets: Mapping[int, int], enums: Mapping[int, int] | None = None
) -> int:
    """A table of offsets, and of enumerations of one byte."""
    b.StartObject(size)
    for field, offset in offsets.items():
        b.PrependUOffsetTRelativeSlot(field, offset, 0)
    for field, value in (enums or {}).items():
        b.PrependUint8Slot(field, value, 0)
    return int(b.EndObject())


def _build_vector(b: Builder, tables: Sequence[int]) -> int:
    b.StartVector(4, len(tables), 4)
    for offset in reversed(tables):
        b.PrependUOffsetTRelative(offset)
    return int(b.EndVector())


def _build_floats(b: Builder, values: Sequence[float]) -> int:
    b.StartVector(4, len(values), 4)
    for value in reversed(values):
        b.PrependFloat32(value)
    return int(b.EndVector())

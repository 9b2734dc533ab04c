"""Constants leave the graph: shards of raw bytes, and the manifest that says what lies in them.

The layout is that of TF.js' ``io/io_utils``: the weights one after the other, little endian, cut
into files of at most 4 MiB without regard to where a weight ends. Every float32 weight is
quantized (as the package ``tensorflowjs`` does, biases and scalars included): affinely over its
own range, nudged so that 0 stays exactly 0 where the range holds it; or as float16.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from edgewright_converters.errors import ConversionError
from edgewright_converters.tfjs_graph.graph import Values, constant_values

if TYPE_CHECKING:
    from tensorflow.core.framework.node_def_pb2 import NodeDef

SHARD_BYTES = 4 * 1024 * 1024  # what the browsers cache as one file
FLOAT16_MAX = float(np.finfo(np.float16).max)
AS_STORED = {
    "float16": "float32",
    "float64": "float32",
    "bfloat16": "float32",
    "int8": "int32",
    "int16": "int32",
    "int64": "int32",
    "uint8": "int32",
    "uint16": "int32",
    "complex128": "complex64",
}
STORABLE = frozenset({"float32", "int32", "bool", "complex64"})

Entry = dict[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """``groups`` is ``weightsManifest``; ``kept`` names float32 weights that stayed so."""

    groups: list[Entry]
    kept: tuple[str, ...]


def write_weights(constants: Iterable[NodeDef], scheme: str, folder: Path) -> Manifest:
    """Write the shards into ``folder``, one weight in memory at a time; clear the constants."""
    entries: list[Entry] = []
    kept: list[str] = []
    shards = _Shards(folder)
    for node in constants:
        entry, data = _stored(node, scheme)
        if scheme != "float32" and entry["dtype"] == "float32" and "quantization" not in entry:
            kept.append(str(node.name))
        entries.append(entry)
        shards.write(data)
        tensor = node.attr["value"].tensor
        dtype, shape = tensor.dtype, type(tensor.tensor_shape)()
        shape.CopyFrom(tensor.tensor_shape)
        tensor.Clear()
        tensor.dtype = dtype
        tensor.tensor_shape.CopyFrom(shape)
    return Manifest(groups=[{"paths": shards.close(), "weights": entries}], kept=tuple(kept))


class _Shards:
    """Consecutive files of at most ``SHARD_BYTES``, named with their count once it is known."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._open: BinaryIO | None = None
        self._room = 0
        self._written: list[Path] = []

    def write(self, data: Values) -> None:
        left = np.ascontiguousarray(data).reshape(-1).view(np.uint8)
        while len(left):
            shard = self._current()
            piece = left[: self._room]
            shard.write(piece.data)
            self._room -= len(piece)
            left = left[len(piece) :]

    def close(self) -> list[str]:
        if self._open is not None:
            self._open.close()
        names = []
        for number, path in enumerate(self._written, start=1):
            names.append(f"group1-shard{number}of{len(self._written)}.bin")
            path.rename(self._folder / names[-1])
        return names

    def _current(self) -> BinaryIO:
        if self._open is not None and self._room:
            return self._open
        if self._open is not None:
            self._open.close()
        path = self._folder / f"group1-shard{len(self._written) + 1}.part"
        self._written.append(path)
        self._open = path.open("wb")
        self._room = SHARD_BYTES
        return self._open


def _stored(node: NodeDef, scheme: str) -> tuple[Entry, Values]:
    values = _storable(node)
    entry: Entry = {"name": node.name, "shape": list(values.shape), "dtype": values.dtype.name}
    if scheme == "float32" or values.dtype != np.float32 or not values.size:
        return entry, values
    quantized = _float16(values) if scheme == "float16" else _affine(values, scheme)
    if quantized is None:
        return entry, values
    data, how = quantized
    entry["quantization"] = {"dtype": scheme, **how, "original_dtype": "float32"}
    return entry, data


def _storable(node: NodeDef) -> Values:
    """The constant in a dtype that TF.js reads; integers must survive the way to int32."""
    values = constant_values(node)
    name = values.dtype.name
    if name not in STORABLE and name not in AS_STORED:
        raise ConversionError(
            f"constant {node.name!r} is {name}; TF.js stores {', '.join(sorted(STORABLE))}",
            hint="convert to tflite or onnx",
        )
    stored = values.astype(AS_STORED.get(name, name))
    if values.dtype.kind in "iu" and not np.array_equal(stored.astype(values.dtype), values):
        raise ConversionError(
            f"constant {node.name!r} ({name}) does not fit int32, the only integer of TF.js",
            hint="convert to tflite or onnx",
        )
    return stored


def _float16(values: Values) -> tuple[Values, Mapping[str, float]] | None:
    """``None`` where a value would become infinite: a mask of -1e9 must not."""
    if not np.all(np.abs(values) <= FLOAT16_MAX):
        return None
    return values.astype(np.float16), {}


def _affine(values: Values, scheme: str) -> tuple[Values, Mapping[str, float]] | None:
    """real = scale * q + min, as TF.js reads it; ``None`` where a value is not finite."""
    low, high = float(values.min()), float(values.max())
    if not np.isfinite([low, high]).all():
        return None
    dtype = np.dtype(scheme)
    if low == high:
        return np.zeros(values.shape, dtype), {"scale": 1.0, "min": low}
    steps = int(np.iinfo(dtype).max)
    scale = (high - low) / steps
    if low <= 0 <= high:
        low = -float(np.round(-low / scale)) * scale
    quantized = np.round((values.astype(np.float64) - low) / scale).clip(0, steps)
    return quantized.astype(dtype), {"scale": scale, "min": low}

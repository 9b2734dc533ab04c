"""A TF.js graph model's weights from its folder, as TF.js would see them; numpy only.

The folder may come from anyone: shards must lie in it, and no size is trusted before it is
compared with the bytes that are there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from edgewright_runtimes.errors import BadInput

DTYPES = {
    "float32": "<f4",
    "float16": "<f2",
    "int32": "<i4",
    "uint8": "u1",
    "uint16": "<u2",
    "bool": "?",
    "complex64": "<c8",
}
QUANTIZED = frozenset({"float16", "uint8", "uint16"})

Values = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Weight:
    """One entry of the manifest. ``stored`` is the dtype in the shard, ``dtype`` TF.js' own."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    stored: str
    scale: float = 1.0
    minimum: float = 0.0

    @property
    def size_bytes(self) -> int:
        return prod(self.shape) * np.dtype(DTYPES[self.stored]).itemsize

    def dequantize(self, raw: bytes | memoryview) -> Values:
        """float32 = q * scale + min in double precision, as ``decodeWeight`` of tfjs-core does."""
        stored = np.frombuffer(raw, DTYPES[self.stored]).reshape(self.shape)
        if self.stored in ("uint8", "uint16") and self.dtype == "float32":
            return (stored * np.float64(self.scale) + self.minimum).astype(np.float32)
        return stored.astype(self.dtype)


def read_weights(folder: Path, model: Mapping[str, Any]) -> dict[str, Values]:
    """Every weight by name. Raises ``BadInput`` for a manifest that does not fit its shards."""
    weights: dict[str, Values] = {}
    for group in _list(model.get("weightsManifest"), folder):
        specs = [_weight(entry, folder) for entry in _list(group.get("weights"), folder)]
        paths = [_shard(folder, path) for path in _list(group.get("paths"), folder)]
        wanted = sum(spec.size_bytes for spec in specs)
        present = sum(path.stat().st_size for path in paths)
        if wanted != present:
            raise BadInput(
                f"{folder}: the manifest wants {wanted} bytes, the shards have {present}"
            )
        for spec, raw in zip(specs, _slices(specs, paths), strict=True):
            weights[spec.name] = spec.dequantize(raw)
    return weights


def _slices(specs: list[Weight], paths: list[Path]) -> Iterator[bytes]:
    data, start = b"", 0
    waiting = iter(paths)
    for spec in specs:
        while len(data) - start < spec.size_bytes:
            data, start = data[start:] + next(waiting).read_bytes(), 0
        yield data[start : start + spec.size_bytes]
        start += spec.size_bytes


def _shard(folder: Path, name: object) -> Path:
    path = folder / name if isinstance(name, str) else None
    if path is None or not path.resolve().is_relative_to(folder.resolve()):
        raise BadInput(f"{folder}: shard {name!r} is not inside the folder")
    if not path.is_file():
        raise BadInput(f"{folder}: shard {name!r} is missing")
    return path


def _weight(entry: Mapping[str, Any], folder: Path) -> Weight:
    name, dtype, shape = entry.get("name"), entry.get("dtype"), entry.get("shape")
    how = entry.get("quantization") or {}
    stored = how.get("dtype", dtype) if isinstance(how, dict) else None
    known = isinstance(dtype, str) and dtype in DTYPES and isinstance(stored, str)
    if not isinstance(name, str) or not known or stored not in DTYPES:
        raise BadInput(f"{folder}: weight {name!r} of dtype {dtype!r}, stored as {stored!r}")
    if not isinstance(shape, list) or not all(type(d) is int and d >= 0 for d in shape):
        raise BadInput(f"{folder}: weight {name!r} has shape {shape!r}")
    numbers = (how.get("scale", 1.0), how.get("min", 0.0))
    if not all(isinstance(n, int | float) and np.isfinite(n) for n in numbers):
        raise BadInput(f"{folder}: weight {name!r} has quantization {how!r}")
    return Weight(
        name=name, dtype=str(dtype), shape=tuple(shape), stored=stored,
        scale=float(numbers[0]), minimum=float(numbers[1]),
    )  # fmt: skip


def _list(value: object, folder: Path) -> list[Any]:
    if not isinstance(value, list):
        raise BadInput(f"{folder}: model.json has no list where the weights manifest needs one")
    return value

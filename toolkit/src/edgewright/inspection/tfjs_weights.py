"""The weights of a TF.js model: what the manifest says, and small integers from the shards."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from math import prod
from pathlib import Path

from edgewright.inspection.tfjs_json import JsonObject, as_int, as_list, as_object, as_text
from edgewright_runtimes.errors import BadInput

_ITEM_BYTES = {
    "bool": 1,
    "complex64": 8,
    "float16": 2,
    "float32": 4,
    "int32": 4,
    "uint16": 2,
    "uint8": 1,
}
_MAX_INTEGERS = 256  # what shapes, axes and paddings need
_MAX_RANK = 32


@dataclass(frozen=True, slots=True)
class Weight:
    """``dtype`` is what TF.js computes with, ``stored`` what lies in the shards."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    stored: str
    files: tuple[str, ...]
    offset: int | None  # in the shards of its group, one after the other; None: not known


def read_manifest(model: JsonObject, *, where: str) -> list[Weight]:
    """Every weight. Raises ``BadInput`` for a shape that is none."""
    weights = []
    for group in map(as_object, as_list(model.get("weightsManifest"))):
        files = tuple(as_text(name) for name in as_list(group.get("paths")))
        offset: int | None = 0
        for entry in map(as_object, as_list(group.get("weights"))):
            weight = _weight(entry, files, offset, where)
            weights.append(weight)
            size = _ITEM_BYTES.get(weight.stored)  # text has a length of its own
            known = offset is not None and size is not None
            offset = offset + prod(weight.shape) * size if known else None  # type: ignore[operator]
    return weights


def _weight(entry: JsonObject, files: tuple[str, ...], offset: int | None, where: str) -> Weight:
    name, dtype = as_text(entry.get("name")), as_text(entry.get("dtype"))
    shape = tuple(as_int(d, default=-1) for d in as_list(entry.get("shape")))
    if len(shape) > _MAX_RANK or any(d < 0 for d in shape):
        raise BadInput(f"{where}: corrupt (weight {name!r} has the shape {str(shape)[:60]})")
    quantization = as_object(entry.get("quantization"))
    return Weight(name, shape, dtype, as_text(quantization.get("dtype")) or dtype, files, offset)


def read_integers(folder: Path, weight: Weight) -> tuple[int, ...] | None:
    """The values of a small int32 weight, or None for any other."""
    count = prod(weight.shape)
    plain = weight.dtype == weight.stored == "int32"
    if not plain or weight.offset is None or not 0 < count <= _MAX_INTEGERS:
        return None
    data = _read(folder, weight.files, weight.offset, 4 * count)
    return struct.unpack(f"<{count}i", data) if len(data) == 4 * count else None


def _read(folder: Path, files: tuple[str, ...], offset: int, length: int) -> bytes:
    """A span of the shards as if they were one file; short where they end early."""
    found = b""
    for name in files:
        if Path(name).is_absolute() or ".." in Path(name).parts:
            return b""
        file = folder / name
        size = file.stat().st_size if file.is_file() else 0
        if offset < size:
            with file.open("rb") as stream:
                stream.seek(offset)
                found += stream.read(length - len(found))
        offset = max(0, offset - size)
        if len(found) == length:
            break
    return found

"""What goes into a model and what comes out: real values to the file's dtypes and back.

Arrays travel as ``[items, ...]`` by tensor name. A session wants ``[batch, ...]`` in the dtypes of
its file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from edgewright_runtimes.affine import dequantizer, quantizer
from edgewright_runtimes.errors import BadInput
from edgewright_runtimes.records import TensorSpec

Array = np.ndarray[Any, Any]
Arrays = Mapping[str, Array]

FREE_DIMENSION = 1  # what a free dimension becomes where no data says it


def quantize(values: Array, spec: TensorSpec) -> Array:
    """Real values to the dtype of ``spec``: scaled and clipped where it is quantized."""
    if spec.dtype == "string":
        return values
    dtype = np.dtype(spec.dtype)
    if values.dtype == dtype:
        return values
    to_quantized = quantizer(spec)
    if to_quantized is not None:
        return to_quantized(values.astype(np.float32, copy=False))
    if dtype.kind in "iu" and values.dtype.kind == "f":
        values = np.rint(values)
    return values.astype(dtype)


def dequantize(values: Array, spec: TensorSpec) -> Array:
    """An output as float32, unscaled where it is quantized; plain integers (ids) stay exact."""
    to_real = dequantizer(spec)
    if to_real is not None:
        return to_real(values)
    return values if values.dtype.kind in "iu" else values.astype(np.float32, copy=False)


def match(arrays: Arrays, specs: Sequence[TensorSpec]) -> dict[str, Array]:
    """``arrays`` under the names of ``specs``: by name, else in order where the counts agree.

    Raises ``BadInput`` where neither fits.
    """
    names = [spec.name for spec in specs]
    if all(name in arrays for name in names):
        return {name: arrays[name] for name in names}
    if len(arrays) != len(names):
        raise BadInput(
            f"the model takes {', '.join(names)}; the data has {', '.join(arrays) or 'nothing'}"
        )
    return dict(zip(names, arrays.values(), strict=True))


def load_arrays(path: Path) -> dict[str, Array]:
    """The members of an ``.npz``, never unpickled; ``BadInput`` where it can't be read."""
    try:
        with np.load(path, allow_pickle=False) as members:
            return {name: members[name] for name in members.files}
    except (OSError, ValueError, EOFError, KeyError) as e:
        raise BadInput(f"{path}: not an .npz of arrays ({e})") from e
    except Exception as e:  # zipfile.BadZipFile, zlib.error: neither is a ValueError
        raise BadInput(f"{path}: not an .npz of arrays ({type(e).__name__}: {e})") from e


def count_items(arrays: Arrays) -> int:
    """How many items every array has; ``BadInput`` where they differ or there are none."""
    counts = {name: len(value) if value.ndim else 0 for name, value in arrays.items()}
    if len(set(counts.values())) != 1 or 0 in counts.values():
        shown = ", ".join(f"{name}: {count}" for name, count in counts.items())
        raise BadInput(f"every input needs the same number of items, one at least ({shown})")
    return next(iter(counts.values()))


def fixed_batch(specs: Sequence[TensorSpec]) -> int | None:
    """The batch the inputs are fixed to; ``None`` where the first dimension is free."""
    sizes = [spec.shape[0] for spec in specs if spec.shape]
    fixed = [size for size in sizes if size is not None]
    return fixed[0] if fixed else (None if sizes else 1)


def feeds(
    arrays: Arrays, specs: Sequence[TensorSpec], *, batch: int
) -> Iterator[tuple[dict[str, Array], int]]:
    """Feeds of ``batch`` items in the file's dtypes, each with how many of them are real.

    The last one is filled up with its last item. A tensor without a batch dimension takes the
    items one by one.
    """
    items = count_items(arrays)
    for start in range(0, items, batch):
        chosen = np.minimum(np.arange(start, start + batch), items - 1)
        feed = {spec.name: _feed(arrays[spec.name], spec, chosen) for spec in specs}
        yield feed, min(batch, items - start)


def _feed(items: Array, spec: TensorSpec, chosen: Array) -> Array:
    if items.ndim == len(spec.shape) + 1 and len(chosen) == 1:
        return np.ascontiguousarray(quantize(items[chosen[0]], spec))
    return np.ascontiguousarray(quantize(items[chosen], spec))


def random_items(specs: Sequence[TensorSpec], *, count: int, seed: int) -> dict[str, Array]:
    """Seeded items where there is no data: normal for floats, small numbers for integers."""
    rng = np.random.default_rng(seed)
    return {spec.name: _random(spec, count, rng) for spec in specs}


def _random(spec: TensorSpec, count: int, rng: np.random.Generator) -> Array:
    shape = (count, *(FREE_DIMENSION if d is None else d for d in spec.shape[1:]))
    if spec.dtype == "string":
        return np.full(shape, "a")
    if spec.dtype == "bool":
        return rng.random(shape) < 0.5
    if spec.scale is None and np.dtype(spec.dtype).kind in "iu":
        return rng.integers(0, 2, shape).astype(spec.dtype)
    return rng.standard_normal(shape).astype(np.float32)

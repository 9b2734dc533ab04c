"""The goldens as a page reads them: raw items, the source's answers, and how far off is allowed."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from edgewright_runtimes.errors import BadInput

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]
    Arrays = Mapping[str, Array]


@dataclass(frozen=True, slots=True, kw_only=True)
class WebGoldens:
    """``inputs`` and ``outputs`` by name, items first.

    ``real`` ones are raw, as the data has them; random ones are what the model itself takes.
    """

    inputs: Arrays
    outputs: Arrays
    real: bool

    @property
    def count(self) -> int:
        return len(next(iter(self.outputs.values())))


def pick(goldens: Arrays, inputs: Sequence[str], *, real: bool) -> WebGoldens:
    """The items and the source's answers out of ``golden.npz``.

    Raw items bear the name of the data's array where the model has one input. Raises
    ``BadInput`` where an input has none.
    """
    kind = "raw/" if real else "input/"
    items = {k.removeprefix(kind): v for k, v in goldens.items() if k.startswith(kind)}
    if len(inputs) == len(items) == 1:
        items = {inputs[0]: next(iter(items.values()))}
    missing = [name for name in inputs if name not in items]
    outputs = {k.removeprefix("output/"): v for k, v in goldens.items() if k.startswith("output/")}
    if missing or not outputs:
        lost = f"input {missing[0]!r}" if missing else "the outputs"
        raise BadInput(f"golden.npz holds nothing for {lost}", hint="convert again")
    return WebGoldens(inputs={name: items[name] for name in inputs}, outputs=outputs, real=real)


def to_npz(goldens: WebGoldens) -> bytes:
    """``input/INPUT`` and ``output/OUTPUT``; whole numbers that a byte holds become bytes."""
    import numpy as np

    arrays = {f"input/{name}": _small(array) for name, array in goldens.inputs.items()}
    arrays |= {f"output/{name}": array for name, array in goldens.outputs.items()}
    stream = io.BytesIO()
    np.savez(stream, allow_pickle=False, **arrays)
    return stream.getvalue()


def to_plain(goldens: WebGoldens, *, scheme: str, file: str) -> dict[str, Any]:
    """What the page is told of ``file``: the limits are those of the artifact's scheme."""
    from edgewright_converters.tolerances import TOLERANCES, output_range

    limit = TOLERANCES[scheme.removesuffix("-mixed")]
    return {
        "file": file,
        "real": goldens.real,
        "items": goldens.count,
        "ranges": {
            name: output_range(array) if array.dtype.kind == "f" else 1.0
            for name, array in goldens.outputs.items()
        },
        "allowed": {"largest": limit.largest, "mean": limit.mean, "flips": limit.flips},
        "verdict": goldens.real or not limit.needs_real,
    }


def _small(array: Array) -> Array:
    import numpy as np

    if array.dtype.kind != "f" or not np.isfinite(array).all():
        return array
    small = array.clip(0, 255).astype(np.uint8)
    return small if np.array_equal(small, array) else array

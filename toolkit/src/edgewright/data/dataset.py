"""What every data set can do, whatever it is read from: say what it holds, and stream it.

Nothing here holds a whole data set in memory: labels are kept (one number an item), inputs pass
by in batches and are checked as they pass.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgewright_runtimes.errors import BadInput

Array = np.ndarray[Any, Any]
Indices = Sequence[int] | Array


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Some items, raw. ``x``: [items, ...] by input name, ``"x"`` where there is one input.

    ``y`` is [items] or [items, ...], ``None`` without labels.
    """

    x: Mapping[str, Array]
    y: Array | None

    @property
    def items(self) -> int:
        return len(next(iter(self.x.values())))


class DataSet(ABC):
    """Items in a fixed order. ``shapes`` are those of one item, by input name."""

    name: str
    items: int
    shapes: Mapping[str, tuple[int, ...]]
    y: Array | None
    class_names: tuple[str, ...] = ()

    @property
    @abstractmethod
    def sha256(self) -> str:
        """The hash of the content, so that the same items are known again."""

    @abstractmethod
    def _stream(self, size: int, wanted: Array) -> Iterator[Mapping[str, Array]]:
        """The inputs of the ``wanted`` items (ascending), ``size`` at a time."""

    def _numbers(self, indices: Array) -> Array:
        """What items are called in a message: those of a part by their place in the whole."""
        return indices

    @property
    def labels(self) -> bool:
        return self.y is not None

    @property
    def input_shape(self) -> tuple[int, ...]:
        """The shape of one item; ``BadInput`` where there are several inputs."""
        if len(self.shapes) != 1:
            raise BadInput(f"{self.name} has several inputs: {', '.join(self.shapes)}")
        return next(iter(self.shapes.values()))

    def batches(self, size: int, indices: Indices | None = None) -> Iterator[Batch]:
        """Stream all items, or those of ``indices`` in ascending order, ``size`` at a time.

        Raises ``BadInput`` at the first item that holds NaN or infinity.
        """
        wanted = np.arange(self.items) if indices is None else _ascending(indices, self.items)
        done = 0
        for x in self._stream(size, wanted):
            count = len(next(iter(x.values())))
            these = wanted[done : done + count]
            for name, values in x.items():
                check_finite(f"{self.name}: {name}", values, self._numbers(these))
            yield Batch(x=x, y=None if self.y is None else self.y[these])
            done += count

    def take(self, indices: Indices) -> Batch:
        """The items of ``indices`` in that order, all in memory at once."""
        unique, place = np.unique(np.asarray(indices, dtype=np.int64), return_inverse=True)
        parts = list(self.batches(256, unique))
        if not parts:
            raise BadInput(f"{self.name}: no item was asked for")
        x = {name: np.concatenate([p.x[name] for p in parts])[place] for name in parts[0].x}
        return Batch(x=x, y=None if self.y is None else self.y[unique][place])


def _ascending(indices: Indices, items: int) -> Array:
    wanted = np.unique(np.asarray(indices, dtype=np.int64))
    if len(wanted) and not 0 <= wanted[0] <= wanted[-1] < items:
        raise BadInput(f"items {wanted[0]} to {wanted[-1]} were asked for, there are {items}")
    return wanted


def check_numbers(where: str, dtype: np.dtype[Any]) -> None:
    """``BadInput`` for text, objects and complex numbers."""
    if dtype.kind not in "buif":
        raise BadInput(
            f"{where} has dtype {dtype}, numbers were expected",
            hint="save it as uint8, int32 or float32",
        )


def check_finite(where: str, values: Array, indices: Array) -> None:
    """``BadInput`` that names the first item with NaN or infinity."""
    if values.dtype.kind != "f" or not values.size or np.isfinite(values).all():
        return
    bad = ~np.isfinite(values).reshape(len(values), -1).all(axis=1)
    raise BadInput(f"{where} holds NaN or infinity in item {int(indices[int(np.argmax(bad))])}")


def check_labels(where: str, y: Array, items: int) -> Array:
    """Labels as int64 or float32, one row an item; ``BadInput`` for what can't be one."""
    check_numbers(where, y.dtype)
    if y.ndim == 0 or len(y) != items:
        raise BadInput(f"{where} has {len(y) if y.ndim else 1} labels for {items} items")
    check_finite(where, y, np.arange(items))
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    return y.astype(np.float32 if y.dtype.kind == "f" else np.int64)

"""Finds the tensors to keep in float: backward from all of them, by halves.

Going forward, one operation after the other, finds nothing: a bad tensor needs both of its ends in
float before anything gets better. Backward, whole groups of tensors are quantized at once and kept
so while the outputs stay good; a group that spoils them is taken apart. With k bad tensors of n
that is about 2 k log2(n) builds. Where a tensor's neighbour, in its place, gives clearly less noise
in a file no larger, it takes the place: both hold the limits, and one of them is the cause.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from edgewright_converters.mixed.criterion import Damage, damage

if TYPE_CHECKING:
    import numpy as np

    from edgewright_converters.mixed.tensors import FloatModel

    Arrays = Mapping[str, np.ndarray[Any, Any]]

_NO_LARGER = 1.02
_DB = 3.0  # half the noise


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """``max_loss`` in points as the float model sees it; outputs without classes are held to
    ``min_sqnr_db``. ``max_size`` is in int8 files. ``wide``: 16-bit activations, not float."""

    max_loss: float
    min_sqnr_db: float
    max_size: float
    wide: bool = False

    def allow(self, found: Damage) -> bool:
        if found.points is None:
            return found.sqnr_db >= self.min_sqnr_db
        return found.points <= self.max_loss


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """``kept`` are activations, by name. ``good`` says whether the limits hold."""

    kept: tuple[str, ...]
    content: bytes
    damage: Damage
    int8_damage: Damage
    size_ratio: float
    good: bool
    trials: int
    seconds: float


def search(
    model: FloatModel, feeds: Arrays, limits: Limits, tell: Callable[[str], None] = lambda _: None
) -> Found:
    """``feeds`` [items, ...] are seen by every build; a hundred or two do."""
    return _Search(model, feeds, limits, tell).run()


class _Search:
    def __init__(
        self, model: FloatModel, feeds: Arrays, limits: Limits, tell: Callable[[str], None]
    ) -> None:
        self._start = time.perf_counter()
        self._model, self._feeds, self._limits, self._tell = model, feeds, limits, tell
        self._expected = model.run(model.content, feeds)
        self._all = tuple(tensor.name for tensor in model.activations)
        self._known: dict[frozenset[str], tuple[int, Damage]] = {}  # the file's bytes, counted

    def run(self) -> Found:
        size, int8 = self._try(())
        kept: list[str] = []
        if not self._limits.allow(int8):
            kept = list(self._all)
            if not self._limits.wide or self._limits.allow(self._try(kept)[1]):
                self._settle(self._all, kept, spoils=True)
            if self._try(kept)[0] <= self._limits.max_size * size:
                self._improve(kept)
        ratio, found = self._try(kept)[0] / size, self._try(kept)[1]
        return Found(
            kept=tuple(kept),
            content=self._build(kept),
            damage=found,
            int8_damage=int8,
            size_ratio=ratio,
            good=self._limits.allow(found) and ratio <= self._limits.max_size,
            trials=len(self._known),
            seconds=time.perf_counter() - self._start,
        )

    def _settle(self, group: Sequence[str], kept: list[str], *, spoils: bool = False) -> None:
        """Take the tensors of ``group`` out of ``kept``, all but those that spoil the outputs."""
        without = [name for name in kept if name not in group]
        if not spoils and self._limits.allow(self._try(without)[1]):
            kept[:] = without
        elif len(group) > 1:
            half = len(group) // 2
            self._settle(group[:half], kept)
            self._settle(group[half:], kept)

    def _improve(self, kept: list[str]) -> None:
        for name in tuple(kept):
            place, (size, found) = self._all.index(name), self._try(kept)
            near = self._all[max(0, place - 1) : place + 2]
            for other in (each for each in near if each not in kept):
                swapped = [other if each == name else each for each in kept]
                its_size, better = self._try(swapped)
                quieter = better.sqnr_db > found.sqnr_db + _DB and self._limits.allow(better)
                if quieter and its_size <= _NO_LARGER * size:
                    kept[:] = swapped
                    break

    def _try(self, kept: Sequence[str]) -> tuple[int, Damage]:
        key = frozenset(kept)
        if key not in self._known:
            content = self._build(kept)
            found = damage(self._expected, self._model.run(content, self._feeds))
            self._known[key] = len(content), found
            said = "" if found.points is None else f"{found.points:.2f} points, "
            self._tell(f"{len(key)} tensors not in int8: {said}{found.sqnr_db:.1f} dB")
        return self._known[key]

    def _build(self, kept: Sequence[str]) -> bytes:
        if self._limits.wide:
            return self._model.integer(int16=frozenset(kept))
        return self._model.integer(keep_float=frozenset(kept))

"""Data from a Python function of the user's, ``module:function``, called without arguments.

It returns ``(x, y)``, or ``x`` alone, or an iterator of such batches; ``x`` is an array, or a
dict of arrays by input name. An iterator is streamed: the function is called again for each
pass, so it has to give the same batches each time.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping

import numpy as np

from edgewright.data.dataset import Array, DataSet, check_labels, check_numbers
from edgewright_converters.user_function import load_function
from edgewright_runtimes.errors import BadInput

HINT = "it returns (x, y), x, or an iterator of such batches"
Given = tuple[dict[str, Array], Array | None]


def from_function(spec: str) -> DataSet:
    function = load_function(spec)
    return FunctionData(spec, function)


class FunctionData(DataSet):
    """One pass when opened counts, checks and hashes the items; labels are kept."""

    def __init__(self, spec: str, function: Callable[[], object]) -> None:
        self.name = spec
        self._function = function
        self._whole: Given | None = None
        digest, labels = hashlib.sha256(), []
        self.items, self.shapes = 0, {}
        for x, y in self._given():
            self._check(x)
            self.items += len(next(iter(x.values())))
            for name in sorted(x):
                digest.update(f"{name} {x[name].dtype} {x[name].shape}".encode())
                digest.update(np.ascontiguousarray(x[name]).tobytes())
            if y is not None:
                labels.append(np.atleast_1d(y))
                digest.update(np.ascontiguousarray(y).tobytes())
        if not self.items:
            raise BadInput(f"{spec} gave no item", hint=HINT)
        self.y = None
        if labels:
            self.y = check_labels(f"{spec}: y", np.concatenate(labels), self.items)
        self._sha256 = digest.hexdigest()

    @property
    def sha256(self) -> str:
        return self._sha256

    def _stream(self, size: int, wanted: Array) -> Iterator[Mapping[str, Array]]:
        first = 0
        for x, _ in self._given():
            count = len(next(iter(x.values())))
            low, high = np.searchsorted(wanted, [first, first + count])
            for start in range(low, high, size):
                rows = wanted[start : min(start + size, high)] - first
                yield {name: values[rows] for name, values in x.items()}
            first += count

    def _given(self) -> Iterator[Given]:
        if self._whole is not None:
            yield self._whole
            return
        try:
            result = self._function()
            if isinstance(result, tuple | dict | list) or hasattr(result, "__array__"):
                self._whole = self._one(result)
                yield self._whole
            elif hasattr(result, "__iter__"):
                for batch in result:
                    yield self._one(batch)
            else:
                raise BadInput(f"{self.name} gave {type(result).__name__}", hint=HINT)
        except BadInput:
            raise
        except Exception as e:
            raise BadInput(f"{self.name} failed: {type(e).__name__}: {e}") from e

    def _one(self, given: object) -> Given:
        x, y = given if isinstance(given, tuple) and len(given) == 2 else (given, None)
        named = x if isinstance(x, Mapping) else {"x": x}
        arrays = {str(name): np.asarray(value) for name, value in named.items()}
        return arrays, None if y is None else np.asarray(y)

    def _check(self, x: Mapping[str, Array]) -> None:
        for name, values in x.items():
            check_numbers(f"{self.name}: {name}", values.dtype)
            if values.ndim == 0:
                raise BadInput(f"{self.name}: {name} is a single number", hint=HINT)
        if len({len(v) for v in x.values()}) != 1:
            raise BadInput(f"{self.name}: the inputs differ in their number of items")
        shapes = {name: values.shape[1:] for name, values in x.items()}
        if self.shapes and shapes != self.shapes:
            raise BadInput(f"{self.name}: batches differ in shape: {self.shapes} and {shapes}")
        self.shapes = shapes

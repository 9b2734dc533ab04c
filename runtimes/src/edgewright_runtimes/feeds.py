"""What an app gives becomes what the file takes: names, shapes, dtypes, NaN, quantization.

One ``InputReader`` per input, made once; reading an array that fits costs a microsecond or two,
and everything that does not fit gets an error that says what was expected.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from edgewright_runtimes.affine import quantizer
from edgewright_runtimes.errors import BadInput

if TYPE_CHECKING:
    from edgewright_runtimes.records import TensorSpec
    from edgewright_runtimes.runtime import Array

    Convert = Callable[[Array], Array]

SMALL = 1 << 13  # a dot product is the fastest look for NaN up to here; above, BLAS may use threads


class InputReader:
    """Reads one input: ``read(x)`` gives the array in the file's dtype, batch axis first."""

    def __init__(self, spec: TensorSpec) -> None:
        self.spec = spec
        self.name = spec.name
        self._rank = len(spec.shape)
        self.item = spec.shape[1:]
        self.batch_of_one = (1, *self.item)
        self.convert = _converter(spec)  # checks dtype and values, not the shape

    def read(self, value: object) -> tuple[Array, bool]:
        """The batch, and whether ``value`` was a single item (one axis less than the file's).

        The first axis is not compared: the model loops over it or resizes.
        Raises ``BadInput`` for a shape, dtype or NaN that the input does not take.
        """
        x = value if type(value) is np.ndarray else self._array(value)
        single = False
        if x.ndim != self._rank:
            single = x.ndim == self._rank - 1
            x = x[np.newaxis] if single else x
        if x.shape[1:] != self.item and not _fits(x.shape, (None, *self.item)):
            raise self._wrong_shape(x.shape[1:] if single else x.shape)
        if x.ndim != self._rank:
            raise self._wrong_shape(x.shape)
        return self.convert(x), single

    def read_exact(self, value: object) -> Array:
        """For a file whose first axis is not a batch: the shape is the file's, all of it."""
        x = value if type(value) is np.ndarray else self._array(value)
        if not _fits(x.shape, self.spec.shape):
            raise self._wrong_shape(x.shape)
        return self.convert(x)

    def _array(self, value: object) -> Array:
        if self.spec.dtype == "string":
            return np.asarray(value, dtype=object)
        try:
            return np.asarray(value)
        except ValueError as e:  # rows of different lengths
            raise BadInput(
                f"input {self.spec.name!r} is no array ({e}); expected {expected(self.spec)}"
            ) from e

    def _wrong_shape(self, shape: tuple[int, ...]) -> BadInput:
        return BadInput(
            f"input {self.spec.name!r} has shape {tuple(shape)}; expected {expected(self.spec)}"
        )


def by_name(readers: Sequence[InputReader], x: object) -> list[object]:
    """The values in the order of the readers; one array will do where there is one input."""
    if len(readers) == 1 and type(x) is np.ndarray:
        return [x]
    names = [reader.name for reader in readers]
    if not isinstance(x, Mapping):
        if len(readers) == 1:
            return [x]
        wanted = "; ".join(f"{r.name!r} {expected(r.spec)}" for r in readers)
        raise BadInput(f"the model takes {len(readers)} inputs; expected a dict: {wanted}")
    if len(x) != len(names) or any(name not in x for name in names):
        given = ", ".join(repr(name) for name in x) or "nothing"
        raise BadInput(f"inputs by name: {given} given; expected {', '.join(map(repr, names))}")
    return [x[name] for name in names]


def expected(spec: TensorSpec) -> str:
    """``float32 (28, 28) or a batch (N, 28, 28)``, for messages."""
    kind = "numbers" if spec.scale else spec.dtype
    if not spec.shape:
        return f"one {kind}"
    return f"{kind} {_shown(spec.shape[1:])} or a batch {_shown((None, *spec.shape[1:]))}"


def _shown(shape: Sequence[int | None]) -> str:
    text = ", ".join("N" if d is None else str(d) for d in shape)
    return f"({text},)" if len(shape) == 1 else f"({text})"


def _fits(shape: Sequence[int], wanted: Sequence[int | None]) -> bool:
    return len(shape) == len(wanted) and all(
        want is None or want == got for want, got in zip(wanted, shape, strict=True)
    )


def _converter(spec: TensorSpec) -> Convert:
    if spec.dtype == "string":
        return lambda x: x.astype(object)
    dtype = np.dtype(spec.dtype)
    if dtype.kind == "f":
        return _to_float(spec.name, dtype, spec.dtype)
    quantize = quantizer(spec)
    if quantize is None:
        return _to_integer(spec.name, dtype)
    check = _to_float(spec.name, np.dtype(np.float32), "numbers")
    return lambda x: quantize(check(x))


def _to_float(name: str, dtype: np.dtype[Any], wanted: str) -> Convert:
    vdot, minimum = np.vdot, np.minimum.reduce

    def convert(x: Array) -> Array:
        if x.dtype != dtype:
            x = _as_float(name, x, dtype, wanted)
        # a sum of squares, or a minimum, is NaN exactly where an element is: one pass, no copy
        least = vdot(x, x) if x.size <= SMALL else minimum(x, axis=None)
        if least != least:
            raise _nan(name, x)
        return x

    return convert


def _as_float(name: str, x: Array, dtype: np.dtype[Any], wanted: str) -> Array:
    if x.dtype.kind not in "fiub":
        raise BadInput(f"input {name!r} is {_kind(x)}; expected {wanted}")
    with np.errstate(over="ignore"):  # beyond the dtype's range is infinite, as in C
        return x.astype(dtype)


def _to_integer(name: str, dtype: np.dtype[Any]) -> Convert:
    kinds = "b" if dtype.kind == "b" else "iub"

    def convert(x: Array) -> Array:
        if x.dtype == dtype:
            return x
        if x.dtype.kind not in kinds:
            raise BadInput(f"input {name!r} is {_kind(x)}; expected {dtype}")
        if not np.can_cast(x.dtype, dtype) and x.size:
            limits = np.iinfo(dtype)
            least, most = int(x.min()), int(x.max())
            if least < limits.min or most > limits.max:
                raise BadInput(
                    f"input {name!r} has values {least} to {most}; "
                    f"expected {dtype} ({limits.min} to {limits.max})"
                )
        return x.astype(dtype)

    return convert


def _kind(x: Array) -> str:
    return "no array of numbers" if x.dtype.kind in "OSUV" else str(x.dtype)


def _nan(name: str, x: Array) -> BadInput:
    missing = np.isnan(x)
    where = [int(i) for i in np.argwhere(missing)[0]]
    return BadInput(
        f"input {name!r} has {int(missing.sum())} NaN of {x.size} values, the first at {where}; "
        "expected numbers"
    )

"""From raw items to what a model's inputs take: names, preprocessing, shapes, dtypes."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from edgewright.data.dataset import Array
from edgewright_runtimes.errors import BadInput

if TYPE_CHECKING:
    from edgewright_runtimes.preprocess import Preprocess
    from edgewright_runtimes.records import TensorSpec

INTEGERS = ("b", "i", "u")


def model_feeds(
    x: Mapping[str, Array], preprocess: Preprocess, inputs: Sequence[TensorSpec]
) -> dict[str, Array]:
    """Raw items [items, ...] by name to preprocessed feeds by the model's input names.

    ``inputs`` are the source's. One input of the model takes ``x`` whatever its own name is;
    several are matched by name. Axes of length 1 that one side has and the other has not (a
    grey image's channel) are added or dropped. Inputs that hold integers (token ids) and that
    the preprocessing is not for keep their dtype; all else is float32. Raises ``BadInput``.
    """
    named = _match_names(x, inputs)
    return {
        spec.name: _one_feed(named[spec.name], spec, preprocess, single=len(inputs) == 1)
        for spec in inputs
    }


def unused(
    members: Collection[str], inputs: Sequence[TensorSpec], *, where: str, labels: bool
) -> tuple[str, ...]:
    """A warning that names what no input of the model takes; ``labels``: whether ``y`` is there.

    Raises ``BadInput`` where the model has an input that is not among ``members``.
    """
    taken = _members(members, inputs).values()
    left = [name for name in members if name not in taken]
    if not left:
        return ()
    are = "is" if len(left) == 1 else "are"
    hint = "" if labels else "; labels are taken from y alone"
    return (f"{where}: {', '.join(left)} {are} not used, no input of the model is so named{hint}",)


def _match_names(x: Mapping[str, Array], inputs: Sequence[TensorSpec]) -> dict[str, Array]:
    return {name: x[member] for name, member in _members(x, inputs).items()}


def _members(members: Collection[str], inputs: Sequence[TensorSpec]) -> dict[str, str]:
    """By the name of an input, the member that it takes."""
    if len(inputs) == 1 and ("x" in members or len(members) == 1):
        only = inputs[0].name
        return {only: next(name for name in (only, "x", *members) if name in members)}
    missing = [spec.name for spec in inputs if spec.name not in members]
    if missing:
        raise BadInput(
            f"the data has no input named {', '.join(map(repr, missing))}; it has "
            f"{', '.join(members)}",
            hint="name the arrays in the .npz as the model names its inputs; y is for the labels",
        )
    return {spec.name: spec.name for spec in inputs}


def _one_feed(x: Array, spec: TensorSpec, preprocess: Preprocess, *, single: bool) -> Array:
    wants_integers = spec.scale is None and np.dtype(spec.dtype).kind in INTEGERS
    applies = not preprocess.empty and (
        single or not preprocess.inputs or spec.name in preprocess.inputs
    )
    if applies and not wants_integers:
        x = preprocess.apply(x)
    elif wants_integers:
        x = _integers(x, spec)
    else:
        x = x.astype(np.float32)
    return _fit(x, spec)


def _integers(x: Array, spec: TensorSpec) -> Array:
    limits = np.iinfo(spec.dtype) if np.dtype(spec.dtype).kind != "b" else np.iinfo(np.uint8)
    if x.dtype.kind == "f" and not np.array_equal(x, np.floor(x)):
        raise BadInput(f"input {spec.name!r} takes {spec.dtype}, the data has fractions")
    if x.size and (x.min() < limits.min or x.max() > limits.max):
        raise BadInput(f"input {spec.name!r} takes {spec.dtype}, the data has {x.min()}..{x.max()}")
    return x.astype(spec.dtype)


def _fit(x: Array, spec: TensorSpec) -> Array:
    wanted, have = spec.shape[1:], x.shape[1:]
    if _fits(have, wanted):
        return x
    if _squeezed(have) == _squeezed(wanted) and None not in wanted:
        return x.reshape(len(x), *[int(n) for n in wanted if n is not None])
    raise BadInput(
        f"input {spec.name!r} takes items of shape {_said(wanted)}, the data has {_said(have)}",
        hint="declare resize, crop or layout with --preprocess, or reshape the data",
    )


def _fits(have: Sequence[int], wanted: Sequence[int | None]) -> bool:
    return len(have) == len(wanted) and all(
        w is None or h == w for h, w in zip(have, wanted, strict=True)
    )


def _squeezed(shape: Sequence[int | None]) -> list[int | None]:
    return [n for n in shape if n != 1]


def _said(shape: Sequence[int | None]) -> str:
    return f"[{', '.join('?' if n is None else str(n) for n in shape)}]"

"""What a page asks its user for: a picture, or a form of numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from edgewright_runtimes.errors import BadInput
from edgewright_runtimes.records import Contract, TensorSpec

Kind = Literal["image", "form"]
CHANNELS = (1, 3, 4)
MAX_FIELDS = 100  # nobody fills in more
_TYPES = {"f": "number", "i": "integer", "u": "integer", "b": "yes-no"}


def choose_kind(contract: Contract) -> Kind:
    """``image`` for one input [batch, height, width, channels]; ``form`` for up to 100 numbers.

    Raises ``BadInput`` for what a page can't ask for.
    """
    if len(contract.inputs) == 1 and _is_image(contract.inputs[0], contract.preprocess):
        return "image"
    for spec in contract.inputs:
        if None in spec.shape[1:]:
            raise BadInput(
                f"a form can't ask for {shown(spec)}: its length is open",
                hint="convert a model with fixed sizes",
            )
    count = sum(_size(spec) for spec in contract.inputs)
    if count > MAX_FIELDS:
        wanted = ", ".join(map(shown, contract.inputs))
        raise BadInput(
            f"a form of {count:,} fields is too long ({MAX_FIELDS} at most): {wanted}",
            hint="pages are made for images [batch, height, width, channels] and for short forms",
        )
    return "form"


def make_fields(inputs: Sequence[TensorSpec], names: Sequence[str]) -> list[dict[str, Any]]:
    """A field for each element of each input; ``names`` are their labels, in that order.

    Without names a field is called after its input. Raises ``BadInput`` for another number.
    """
    places = [(spec, i) for spec in inputs for i in range(_size(spec))]
    if names and len(names) != len(places):
        raise BadInput(
            f"{len(names)} names were given for the {len(places)} fields of the form",
            hint=f"one a line, in the order of {', '.join(map(shown, inputs))}",
        )
    own = [spec.name if _size(spec) == 1 else f"{spec.name} {i + 1}" for spec, i in places]
    return [
        {"input": spec.name, "index": i, "label": label, "type": _type_of(spec)}
        for (spec, i), label in zip(places, names or own, strict=True)
    ]


def read_names(path: Path) -> list[str]:
    """One name a line, as label files are. Raises ``BadInput``."""
    try:
        lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
    except OSError as e:
        raise BadInput(f"{path}: {e.strerror or e}") from e
    except UnicodeDecodeError as e:
        raise BadInput(f"{path} is no text in UTF-8", hint="one name of a field a line") from e
    return [line for line in lines if line]


def shown(spec: TensorSpec) -> str:
    shape = ", ".join("?" if size is None else str(size) for size in spec.shape)
    return f"{spec.name} {spec.dtype} [{shape}]"


def _is_image(spec: TensorSpec, preprocess: Mapping[str, Any]) -> bool:
    if len(spec.shape) == 3 and preprocess.get("resize"):
        return True  # grey, without an axis of channels
    if len(spec.shape) != 4 or not _takes_pixels(spec):
        return False
    height, width, channels = spec.shape[1:]
    if preprocess.get("layout") == "nchw":
        channels, height, width = spec.shape[1:]
    sized = bool(preprocess.get("resize") or preprocess.get("crop"))
    known = sized or None not in (height, width)
    return known and channels in CHANNELS and height != 1 and width != 1


def _takes_pixels(spec: TensorSpec) -> bool:
    return spec.scale is not None or spec.dtype.startswith(("float", "uint8"))


def _size(spec: TensorSpec) -> int:
    return math.prod(size or 1 for size in spec.shape[1:])


def _type_of(spec: TensorSpec) -> str:
    import numpy as np

    # a quantized input is given real values
    return _TYPES["f" if spec.scale is not None else np.dtype(spec.dtype).kind]

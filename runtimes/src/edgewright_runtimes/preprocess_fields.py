"""Reading the fields of a declared preprocessing, each with its own check and message."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any, Literal, get_args

import numpy as np

from edgewright_runtimes.errors import BadInput
from edgewright_runtimes.resize import Method, Resize

Layout = Literal["nhwc", "nchw"]
ColorOrder = Literal["rgb", "bgr"]
PerChannel = float | tuple[float, ...]


def check_names(where: str, mapping: Mapping[str, Any], names: list[str]) -> None:
    for name in mapping:
        if name in names:
            continue
        import difflib  # not on the way of an app that starts

        near = difflib.get_close_matches(str(name), names, n=1)
        meant = f"; did you mean {near[0]!r}?" if near else ""
        raise BadInput(f"{where} has no field {name!r}; known: {', '.join(sorted(names))}{meant}")


def _bad(name: str, value: object, allowed: str) -> BadInput:
    return BadInput(f"preprocess: {name} is {value!r}, {allowed} was expected")


def _number(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise _bad(name, value, "a number")
    return float(value)


def _nonzero(name: str, value: object) -> float:
    number = _number(name, value)
    if abs(number) < np.finfo(np.float32).tiny:
        raise _bad(name, value, "a number other than 0")
    return number


def _scale(name: str, value: object) -> float:
    if isinstance(value, str) and value.count("/") == 1:  # "1/255" is how people write it
        try:
            top, bottom = (float(part) for part in value.split("/"))
            return _nonzero(name, top / bottom)
        except (ValueError, ZeroDivisionError):
            raise _bad(name, value, "a number, or a fraction like '1/255',") from None
    return _nonzero(name, value)


def _per_channel(name: str, value: object) -> PerChannel:
    one = _nonzero if name == "std" else _number
    if isinstance(value, list | tuple):
        if not value:
            raise _bad(name, value, "a number or one per channel")
        return tuple(one(name, v) for v in value)
    return one(name, value)


def _size(name: str, value: object) -> tuple[int, int]:
    if isinstance(value, list | tuple) and len(value) == 2:
        height, width = value
        if all(isinstance(v, int) and not isinstance(v, bool) and v > 0 for v in value):
            return height, width
    raise _bad(name, value, "[height, width] in pixels")


def _resize(name: str, value: object) -> Resize:
    if not isinstance(value, Mapping):
        return Resize(size=_size(name, value))
    check_names("preprocess.resize", value, [f.name for f in fields(Resize)])
    if "size" not in value:
        raise _bad(name, dict(value), "a table with size = [height, width]")
    method = value.get("method", "bilinear")
    _word(*get_args(Method))(f"{name}.method", method)
    antialias = value.get("antialias", False)
    if not isinstance(antialias, bool):
        raise _bad(f"{name}.antialias", antialias, "true or false")
    return Resize(size=_size(f"{name}.size", value["size"]), method=method, antialias=antialias)


def _word(*allowed: str) -> Callable[[str, object], str]:
    def read(name: str, value: object) -> str:
        if isinstance(value, str) and value in allowed:
            return value
        raise _bad(name, value, " or ".join(allowed))

    return read


def _names(name: str, value: object) -> tuple[str, ...]:
    if isinstance(value, list | tuple) and all(isinstance(v, str) for v in value):
        return tuple(value)
    raise _bad(name, value, "a list of input names")


READERS: Mapping[str, Callable[[str, object], Any]] = {
    "resize": _resize,
    "crop": _size,
    "color_order": _word(*get_args(ColorOrder)),
    "scale": _scale,
    "mean": _per_channel,
    "std": _per_channel,
    "layout": _word(*get_args(Layout)),
    "inputs": _names,
}

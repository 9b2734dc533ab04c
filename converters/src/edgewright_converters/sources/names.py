"""Names of inputs and outputs that every format and every runtime takes."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterable


def unique_names(wanted: Iterable[str], *, taken: Iterable[str] = ()) -> tuple[str, ...]:
    """Clean each name to an identifier and number those that are already there.

    ``taken`` are names of the other side: ONNX has one space of names for inputs and outputs.
    """
    used = set(taken)
    names: list[str] = []
    for raw in wanted:
        clean = clean_name(raw)
        name, number = clean, 1
        while name in used:
            name, number = f"{clean}_{number}", number + 1
        used.add(name)
        names.append(name)
    return tuple(names)


def clean_name(raw: str) -> str:
    """``'conv/Relu:0'`` -> ``'conv_Relu'``: an identifier, and no word of Python's own."""
    name = re.sub(r"[^A-Za-z0-9_]", "_", re.sub(r":\d+$", "", raw)).strip("_") or "tensor"
    if name[0].isdigit():
        name = f"t_{name}"
    return f"{name}_" if keyword.iskeyword(name) or name == "self" else name

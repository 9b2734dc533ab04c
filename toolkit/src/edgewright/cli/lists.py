"""What options of several verbs have in common: the kinds of data, and names with commas."""

from __future__ import annotations

DATA = ".npz (x, y), a folder of class folders, .csv (label first), module:function"


def names(text: str) -> list[str]:
    """The names between the commas, without blanks."""
    return [name.strip() for name in text.split(",") if name.strip()]

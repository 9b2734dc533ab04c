"""The step that ends a recipe and names the artifacts: which scheme, in which formats.

It changes no model: the formats' writers quantize.
"""

from __future__ import annotations

from dataclasses import dataclass

from edgewright_runtimes.errors import BadInput, UnknownName
from edgewright_runtimes.records import FORMATS, SCHEMES

KNOWN = tuple(dict.fromkeys(scheme for schemes in SCHEMES.values() for scheme in schemes))


@dataclass(frozen=True, kw_only=True)
class Quantize:
    """``schemes`` are built in every one of ``formats`` that has them; empty is every format."""

    schemes: tuple[str, ...] = ("int8",)
    formats: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in self.formats:
            if name not in FORMATS:
                raise UnknownName("format", name, FORMATS)
        for name in self.schemes:
            if name not in KNOWN:
                raise UnknownName("scheme", name, KNOWN)
        if not self.schemes:
            raise BadInput("no scheme is named", hint=f"known: {', '.join(KNOWN)}")

    @property
    def label(self) -> str:
        return ""


def from_label(word: str) -> Quantize | None:
    return Quantize(schemes=(word,)) if word in KNOWN else None

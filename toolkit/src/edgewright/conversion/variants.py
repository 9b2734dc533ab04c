"""What ``--formats`` and ``--variants`` mean: the variants to build, in the catalogue's order."""

from __future__ import annotations

from collections.abc import Sequence

from edgewright_runtimes.errors import BadInput, UnknownName
from edgewright_runtimes.records import FORMATS, SCHEMES, Format, Variant

NEEDS_CALIBRATION = frozenset({"int8", "int8-io", "int16x8"})
CATALOGUE = tuple(Variant(format=f, scheme=s) for f in FORMATS for s in SCHEMES[f])


def select_variants(formats: Sequence[str], variants: Sequence[str]) -> tuple[Variant, ...]:
    """Empty means all. A scheme is every format that has it; a whole name is that one.

    Raises ``UnknownName`` with the known ones, or ``BadInput`` where nothing is left.
    """
    wanted = {_format(name) for name in formats} or set(FORMATS)
    schemes = {v.scheme for v in CATALOGUE}
    names = {v.name for v in CATALOGUE}
    for word in variants:
        if word not in schemes and word not in names:
            raise UnknownName("variant", word, [*schemes, *names])
    chosen = tuple(
        v
        for v in CATALOGUE
        if v.format in wanted and (not variants or v.scheme in variants or v.name in variants)
    )
    if not chosen:
        raise BadInput(
            f"no variant is left: formats {', '.join(sorted(wanted))}, variants "
            f"{', '.join(variants)}",
            hint="edgewright convert --help lists the schemes of each format",
        )
    return chosen


def _format(name: str) -> Format:
    if name not in FORMATS:
        raise UnknownName("format", name, FORMATS)
    return name

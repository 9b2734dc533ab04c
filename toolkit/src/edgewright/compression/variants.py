"""Which artifacts a recipe makes, and which of the source's own stand beside them as control."""

from __future__ import annotations

from collections.abc import Sequence

from edgewright_converters.compression.catalogue import QUANTIZE
from edgewright_converters.compression.quantize import Quantize
from edgewright_converters.compression.recipe import read_params
from edgewright_runtimes.errors import BadInput
from edgewright_runtimes.records import FORMATS, SCHEMES, Format, Step, Variant

FLOAT = "float32"


def compressed_variants(steps: Sequence[Step], formats: Sequence[Format]) -> tuple[Variant, ...]:
    """One for each format that has the scheme; ``float32`` where the recipe names no scheme.

    Raises ``BadInput`` where no format has any of the schemes.
    """
    quantize = _quantize(steps)
    shown = tuple(s for s in steps if s.kind != QUANTIZE or s.label)
    wanted = [f for f in SCHEMES if f in (quantize.formats or formats)]
    found = tuple(
        Variant(format=f, scheme=scheme, steps=shown)
        for f in wanted
        for scheme in quantize.schemes
        if scheme in SCHEMES[f]
    )
    if not found:
        raise BadInput(
            f"no format of {', '.join(wanted)} has the scheme {', '.join(quantize.schemes)}",
            hint="; ".join(f"{f}: {', '.join(SCHEMES[f])}" for f in wanted),
        )
    return found


def made_formats(steps: Sequence[Step], formats: Sequence[Format]) -> tuple[Format, ...]:
    """Those of the artifacts: ``formats`` in their order, then what else the recipe names."""
    made = {variant.format for variant in compressed_variants(steps, formats)}
    return tuple(dict.fromkeys(f for f in (*formats, *FORMATS) if f in made))


def control_variants(variants: Sequence[Variant]) -> tuple[Variant, ...]:
    """The source as float32 and in the same scheme, for each of the formats."""
    plain = (
        Variant(format=v.format, scheme=scheme) for v in variants for scheme in (FLOAT, v.scheme)
    )
    return tuple({v.name: v for v in plain}.values())


def _quantize(steps: Sequence[Step]) -> Quantize:
    last = steps[-1]
    if last.kind != QUANTIZE:
        return Quantize(schemes=(FLOAT,))
    params = read_params(QUANTIZE, last.params)
    if not isinstance(params, Quantize):
        raise TypeError(params)
    return params

"""Recipes: a tuple of steps as plain data, from a TOML table or from a name.

    [[steps]]                          the same as the name
    kind = "prune"                     prune50_int8
    sparsity = 0.5
    [steps.finetune]
    epochs = 5
    [[steps]]
    kind = "quantize"
    schemes = ["int8"]

In a name each word is a step's label, and the last one a scheme (``DESIGN``'s one grammar).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from edgewright_converters.compression import quantize
from edgewright_converters.compression.catalogue import QUANTIZE, STEPS, step_module
from edgewright_converters.compression.fields import as_table, read_fields
from edgewright_converters.compression.quantize import Quantize
from edgewright_converters.compression.step import Params
from edgewright_runtimes.errors import BadInput
from edgewright_runtimes.records import Step


def read_steps(tables: Sequence[Mapping[str, Any]]) -> tuple[Step, ...]:
    """The ``[[steps]]`` of a recipe, validated; each with its label. Raises ``BadInput``."""
    steps = []
    for number, table in enumerate(tables, 1):
        kind = table.get("kind")
        if not isinstance(kind, str):
            raise BadInput(
                f"step {number} has no kind", hint=f"known: {', '.join([*STEPS, QUANTIZE])}"
            )
        params = {name: value for name, value in table.items() if name != "kind"}
        steps.append(to_step(kind, read_params(kind, params)))
    _check_order(steps)
    return tuple(steps)


def parse_name(name: str) -> tuple[Step, ...]:
    """``prune50_equalize_int8``: labels and, last, a scheme. Raises ``BadInput``.

    What stands before the scheme may be quantize's own label: ``equalize_mixed_int8``.
    """
    steps = [_of_label(word) for word in name.split("_") if word]
    if [step.kind for step in steps[-2:]] == [QUANTIZE, QUANTIZE] and steps[-2].label:
        together = {**steps[-2].params, **steps[-1].params}
        steps[-2:] = [to_step(QUANTIZE, read_params(QUANTIZE, together))]
    _check_order(steps)
    return tuple(steps)


def read_params(kind: str, table: Mapping[str, Any]) -> Params | Quantize:
    """A step's own dataclass from plain data. Raises ``BadInput``, ``UnknownName``."""
    if kind == QUANTIZE:
        return read_fields(Quantize, table, where=kind)
    return read_fields(step_module(kind).PARAMS, table, where=kind)


def to_step(kind: str, params: Params | Quantize) -> Step:
    return Step(kind=kind, label=params.label, params=as_table(params))


def _of_label(word: str) -> Step:
    ending = quantize.from_label(word)
    if ending is not None:
        return to_step(QUANTIZE, ending)
    for kind in STEPS:
        params = step_module(kind).from_label(word)
        if params is not None:
            return to_step(kind, params)
    raise BadInput(
        f"no step has the label {word!r}",
        hint="labels: finetune, prune50, prune2of4, channels50, cluster16, equalize, qat, mixed; "
        "last a scheme: int8, float16, ...; or give a TOML file",
    )


def _check_order(steps: Sequence[Step]) -> None:
    if not steps:
        raise BadInput("the recipe has no step", hint="prune50_int8, or a TOML file with [[steps]]")
    for step in steps[:-1]:
        if step.kind == QUANTIZE:
            raise BadInput("quantize ends a recipe: no step may follow it")

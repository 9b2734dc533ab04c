"""Recipes: a tuple of steps as plain data, from a TOML table or from a name.

    [[steps]]                          the same as the name
    kind = "prune"                     prune50_int8
    sparsity = 0.5
    [steps.finetune]
    epochs = 5
    [[steps]]
    kind = "quantize"
    schemes = ["int8"]

In a name each word is a step's label, and the last one a scheme; where none is named it is
float32 (``DESIGN``'s one grammar).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from edgewright_converters.compression import quantize
from edgewright_converters.compression.catalogue import QUANTIZE, STEPS, step_module
from edgewright_converters.compression.fields import FieldError, as_table, read_fields
from edgewright_converters.compression.quantize import Quantize
from edgewright_converters.compression.step import Params
from edgewright_runtimes.errors import BadInput, UnknownName, UsageError
from edgewright_runtimes.records import Step


def read_steps(tables: Sequence[Mapping[str, Any]]) -> tuple[Step, ...]:
    """The ``[[steps]]`` of a recipe, validated; each with its label. Raises ``FieldError``."""
    steps: list[Step] = []
    for number, table in enumerate(tables):
        if steps and steps[-1].kind == QUANTIZE:
            words = f"quantize ends a recipe, and step {number + 1} follows it"
            raise FieldError(words, hint="put quantize last", way=("steps", number))
        try:
            steps.append(_read_step(table, number + 1))
        except FieldError as e:
            raise e.below("steps", number) from e
    return tuple(steps)


def parse_name(name: str) -> tuple[Step, ...]:
    """``prune50_equalize_int8``: labels and, last, a scheme. Raises ``BadInput``.

    What stands before the scheme may be quantize's own label: ``equalize_mixed_int8``. Without a
    scheme the artifacts are float32.
    """
    words = [word for word in name.split("_") if word]
    if not words:
        raise BadInput("the recipe has no step", hint="prune50_int8, or a TOML file with [[steps]]")
    steps = [_of_label(word) for word in words]
    _check_order(words, steps)
    if [step.kind for step in steps[-2:]] == [QUANTIZE, QUANTIZE]:
        together = {**steps[-2].params, **steps[-1].params}
        steps[-2:] = [to_step(QUANTIZE, read_params(QUANTIZE, together))]
    return tuple(steps)


def read_params(kind: str, table: Mapping[str, Any]) -> Params | Quantize:
    """A step's own dataclass from plain data. Raises ``FieldError``, ``UnknownName``."""
    if kind == QUANTIZE:
        return read_fields(Quantize, table, where=kind)
    return read_fields(step_module(kind).PARAMS, table, where=kind)


def to_step(kind: str, params: Params | Quantize) -> Step:
    return Step(kind=kind, label=params.label, params=as_table(params))


def _read_step(table: Mapping[str, Any], number: int) -> Step:
    known = ", ".join([*STEPS, QUANTIZE])
    kind = table.get("kind")
    if kind is None:
        raise FieldError(f"step {number} has no kind", hint=f"known: {known}")
    if not isinstance(kind, str):
        raise FieldError(f"kind is {kind!r}; one of {known} was expected", way=("kind",))
    params = {name: value for name, value in table.items() if name != "kind"}
    try:
        return to_step(kind, read_params(kind, params))
    except UnknownName as e:
        raise FieldError(str(e.args[0]), hint=e.hint, way=("kind",)) from e


def _of_label(word: str) -> Step:
    try:
        ending = quantize.from_label(word)
        if ending is not None:
            return to_step(QUANTIZE, ending)
        for kind in STEPS:
            params = step_module(kind).from_label(word)
            if params is not None:
                return to_step(kind, params)
    except UsageError as e:
        raise BadInput(f"{word}: {e.args[0]}", hint=e.hint) from e
    raise BadInput(
        f"no step has the label {word!r}",
        hint="labels: finetune, prune50, prune2of4, channels50, cluster16, equalize, qat, mixed; "
        "last a scheme: int8, float16, ...; or give a TOML file",
    )


def _check_order(words: Sequence[str], steps: Sequence[Step]) -> None:
    """Steps, then at most one word of quantize's own, then at most one scheme."""
    ends = [w for w, step in zip(words, steps, strict=True) if step.kind == QUANTIZE]
    schemes = [word for word in ends if word in quantize.KNOWN]
    options = [word for word in ends if word not in quantize.KNOWN]
    for several, what in ((schemes, "scheme"), (options, "word for mixed precision")):
        if len(several) > 1:
            raise BadInput(
                f"a name has one {what}, and this one {' and '.join(several)}",
                hint="leave one out; a TOML file may have several schemes",
            )
    rest = [word for word in words if word not in ends]
    ordered = [*rest, *options, *(schemes or (["int8"] if options else []))]
    if ordered == list(words):
        return
    meant = f"type {'_'.join(ordered)}"
    if not schemes:
        raise BadInput(f"{options[0]} stands before a scheme, and there is none", hint=meant)
    place = next(i for i, (w, good) in enumerate(zip(words, ordered, strict=True)) if w != good)
    words_ = f"{words[place]} ends a recipe, and {words[place + 1]} follows it"
    raise BadInput(words_, hint=meant)

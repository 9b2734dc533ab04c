"""What a plan's fields may hold, beyond their types: the same checks as the verbs' own options.

A check takes the field's value and raises a ``UsageError``, whose line the reader then adds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from edgewright_runtimes.errors import BadInput, UnknownName

Check = Callable[[Any], None]
PRESETS = ("smoke", "quick", "standard", "sustained")


def _some(value: str) -> None:
    if not value.strip():
        raise BadInput("it is empty")


def _at_least_1(value: int) -> None:
    if value < 1:
        raise BadInput(f"it is {value}; 1 or more is needed")


def _at_least_0(value: int) -> None:
    if value < 0:
        raise BadInput(f"it is {value}; 0 or more is needed")


def _opset(value: int) -> None:
    if value != 0 and value < 7:
        raise BadInput(f"it is {value}; 0 (the lowest that converts), or an ONNX opset such as 17")


def _batch(value: int | str) -> None:
    if isinstance(value, int):
        _at_least_1(value)
    elif value not in ("", "dynamic"):
        raise BadInput(f'it is {value!r}; a number or "dynamic"')


def _formats(values: Sequence[str]) -> None:
    from edgewright.conversion.variants import select_variants

    select_variants(values, ())


def _variants(values: Sequence[str]) -> None:
    from edgewright.conversion.variants import select_variants

    select_variants((), values)


def _metrics(values: Sequence[str]) -> None:
    from edgewright.accuracy.metrics import metric_named

    for value in values:
        metric_named(value)


def _gates(values: Sequence[str]) -> None:
    from edgewright.accuracy.gates import read_gates

    read_gates(values)


def _max_drop(value: float) -> None:
    from edgewright.accuracy.gates import read_gates

    read_gates((), max_drop=value)


def _min_agreement(value: float) -> None:
    if not 0 <= value <= 100:
        raise BadInput(f"it is {value:g}; 0 to 100 (percent) was expected")


def _preset(value: str) -> None:
    if value not in PRESETS:
        raise UnknownName("preset", value, PRESETS)


def _runtimes(values: Sequence[str]) -> None:
    from edgewright.targets.web.runtimes import WEB_RUNTIMES
    from edgewright_runtimes.runtime import RUNTIMES

    for value in values:
        if value not in RUNTIMES and value not in WEB_RUNTIMES:
            raise UnknownName("runtime", value, [*RUNTIMES, *WEB_RUNTIMES])


def _target(value: str) -> None:
    """Nothing is started by it."""
    from edgewright.settings import Settings
    from edgewright.targets.target import open_places

    open_places(value, Settings())


def _share(value: float) -> None:
    if not 0 < value < 1:
        raise BadInput(f"it is {value:g}; a share between 0 and 1")


CHECKS: Mapping[str, Check] = {
    "out": _some,
    "model.path": _some,
    "convert.formats": _formats,
    "convert.variants": _variants,
    "convert.samples": _at_least_1,
    "convert.seed": _at_least_0,
    "convert.batch": _batch,
    "convert.opset": _opset,
    "convert.workers": _at_least_1,
    "compress.recipe": _some,
    "compress.held_back": _share,
    "compress.formats": _formats,
    "compress.samples": _at_least_1,
    "compress.seed": _at_least_0,
    "check.data": _some,
    "check.metrics": _metrics,
    "check.gates": _gates,
    "check.max_drop": _max_drop,
    "check.min_agreement": _min_agreement,
    "check.subset": _at_least_0,
    "check.runtimes": _runtimes,
    "check.target": _target,
    "bench.preset": _preset,
    "bench.runtimes": _runtimes,
    "bench.threads": _at_least_1,
    "bench.target": _target,
}

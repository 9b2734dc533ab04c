"""How far an artifact may stray from its source on the goldens, and why.

The error is the absolute difference over the range (greatest minus least) of the source's own
output on the goldens: a number that means the same for logits and for volts. Where the output is
a distribution (its last axis adds up to 1) the range is 1. The limits catch a wrong artifact
(weights mixed up, a wrong layout, collapsed integers), not a slightly worse one: that is for
``check``, on many items. They were set from the real models in ``benchmarks/real_models.py``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]
    Arrays = Mapping[str, Array]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tolerance:
    """``largest`` bounds the greatest error, ``mean`` the mean; ``flips`` the share of integer
    (or text) outputs that may differ. ``needs_real``: random goldens say nothing about it."""

    largest: float
    mean: float
    flips: float
    reason: str
    needs_real: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """``ok`` is None where no verdict can be given; ``max_error`` None where it is no number."""

    ok: bool | None
    max_error: float | None
    words: str
    hint: str = ""


# Seen with TensorFlow 2.21: chains of ELU, SELU and DIV, and UnitNormalization in front of a dot
# product, are off by 0.08 and 0.11 of their range on average.
_EXPERIMENTAL_16X8 = (
    "TensorFlow's 16x8 quantizer is experimental and wrong for some operators, whatever the data"
)
_FLOAT32 = Tolerance(
    largest=1e-4,
    mean=1e-5,
    flips=0.0,
    reason="the same numbers summed in another order: 5e-6 at most on the real models",
)
_FLOAT16 = Tolerance(
    largest=3e-2,
    mean=5e-3,
    flips=0.13,
    reason="11 bits of mantissa: 1.5e-2 at most, 7e-4 on average on the real models",
)
_WEIGHTS8 = Tolerance(
    largest=0.4,
    mean=0.05,
    flips=0.25,
    reason="8-bit weights: 0.27 at one item of 4,634, 1.2e-2 on average on the real models",
)
_INTEGER = Tolerance(
    largest=0.7,
    mean=0.1,
    flips=0.25,
    reason="an undecided item may change sides: 0.52 at one item of 10,000, 1.4e-2 on average;"
    " a collapsed classifier is off by 0.1 and more on average",
    needs_real=True,
)
TOLERANCES: Mapping[str, Tolerance] = {
    "float32": _FLOAT32,
    "float16": _FLOAT16,
    "dynamic": _WEIGHTS8,
    "uint8": _WEIGHTS8,
    "uint16": Tolerance(
        largest=5e-3,
        mean=1e-3,
        flips=0.0,
        reason="16-bit weights as stored: 2e-5 of each tensor's range, before it adds up",
    ),
    "int8": _INTEGER,
    "int8-io": _INTEGER,
    "int16x8": Tolerance(
        largest=0.4,
        mean=0.05,
        flips=0.25,
        reason="8-bit weights, activations nearly exact: 0.22 at one item of 10,000",
        needs_real=True,
    ),
}


def judge(
    scheme: str, expected: Arrays, got: Arrays, *, real: bool, runtime: Tolerance | None = None
) -> Judgement:
    """Compare an artifact's outputs with its source's, output by output.

    ``real`` says whether the goldens are real items: random ones lie outside what an integer
    scheme was calibrated for, and give no verdict on it. ``runtime``: how far the runtime may be
    from the one that the scheme's own limits were set with; it comes on top of them.
    """
    limit = TOLERANCES[scheme.removesuffix("-mixed")]
    if runtime is not None:
        limit = _sum(limit, runtime)
    errors = [_error(name, array, got[name], limit) for name, array in expected.items()]
    worst = max(errors, key=lambda e: (e.ok is False, e.max_error or 0.0))
    if worst.ok is False and limit.needs_real and not real and worst.max_error is not None:
        return Judgement(ok=None, max_error=worst.max_error, words="random goldens: no verdict")
    if worst.ok and limit.needs_real and not real:
        return Judgement(ok=None, max_error=worst.max_error, words="random goldens: no verdict")
    if worst.ok is False:
        return Judgement(
            ok=False,
            max_error=worst.max_error,
            words=worst.words,
            hint=_hint(scheme, limit.needs_real),
        )
    return worst


def _sum(scheme: Tolerance, runtime: Tolerance) -> Tolerance:
    """Of an artifact off its source and a runtime off another: no further than both together."""
    return Tolerance(
        largest=scheme.largest + runtime.largest,
        mean=scheme.mean + runtime.mean,
        flips=scheme.flips + runtime.flips,
        reason=f"{scheme.reason}; {runtime.reason}",
        needs_real=scheme.needs_real,
    )


def _hint(scheme: str, integer: bool) -> str:
    if scheme.startswith("int16x8"):
        return f"{_EXPERIMENTAL_16X8}: take int8, dynamic or float16"
    if integer:
        others = [s for s in ("int8", "int16x8", "dynamic", "float16") if not scheme.startswith(s)]
        alternatives = f"{', '.join(others[:-1])} or {others[-1]}"
        return f"calibrate with more and more varied data, or take {alternatives}"
    return "another scheme or format of this model may be right; please report this one"


def _error(name: str, expected: Array, got: Array, limit: Tolerance) -> Judgement:
    import numpy as np

    expected, got = np.asarray(expected), np.asarray(got)
    if expected.shape != got.shape:
        words = f"output {name!r} has the shape {got.shape}, the source's {expected.shape}"
        return Judgement(ok=False, max_error=None, words=words)
    if expected.dtype.kind not in "fc" or not expected.size:
        share = float(np.mean(expected.astype(str) != got.astype(str))) if expected.size else 0.0
        words = f"output {name!r}: {share:.0%} of the values differ, {limit.flips:.0%} may"
        return Judgement(ok=share <= limit.flips, max_error=share, words=words)
    finite = np.isfinite(expected)
    if not np.isfinite(got[finite]).all():
        words = f"output {name!r} holds NaN or infinity where the source has numbers"
        return Judgement(ok=False, max_error=None, words=words)
    if not finite.any():
        return Judgement(ok=None, max_error=None, words=f"output {name!r} has no finite value")
    error = np.abs(got[finite].astype(np.float64) - expected[finite]) / output_range(expected)
    largest, mean = float(error.max()), float(error.mean())
    words = (
        f"output {name!r} is off by {largest:.2g} of its range ({limit.largest:.2g} allowed),"
        f" {mean:.2g} on average ({limit.mean:.2g} allowed)"
    )
    ok = largest <= limit.largest and mean <= limit.mean
    return Judgement(ok=ok, max_error=largest, words=words)


def output_range(expected: Array) -> float:
    """Greatest minus least finite value; 1 for distributions; for a constant, its size or 1."""
    import numpy as np

    values = expected[np.isfinite(expected)].astype(np.float64)
    whole = expected.ndim > 1 and expected.shape[-1] > 1 and values.size == expected.size
    if whole and values.min() >= 0 and np.allclose(expected.sum(axis=-1), 1, atol=1e-3):
        return 1.0
    spread, size = float(np.ptp(values)), float(np.abs(values).max())
    return max(spread, 1e-3 * size) or 1.0

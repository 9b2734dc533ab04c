"""Which raw values are black and white: a contract says what is done to pixels, not their range."""

from __future__ import annotations

from edgewright.web_app.goldens import WebGoldens
from edgewright_runtimes.errors import BadInput

BYTES = (0.0, 255.0)
_LEAST_OF_BYTES = 64  # eight real pictures in bytes have a brighter pixel than this
_HINT = "say it: --pixels BLACK:WHITE, for example 0:255, or 16:0 where dark ink is 16"


def check_pixels(given: str | tuple[float, float]) -> tuple[float, float]:
    """``BLACK:WHITE``, or the two numbers. Raises ``BadInput``."""
    parts = given.split(":") if isinstance(given, str) else given
    try:
        black, white = (float(part) for part in parts)
        if 0 < abs(black - white) < float("inf"):
            return black, white
    except ValueError:
        pass
    raise BadInput(f"--pixels is {given!r}; two different numbers BLACK:WHITE, for example 0:255")


def guess_pixels(goldens: WebGoldens | None) -> tuple[float, float]:
    """0..1 or 0..255, by the values of the real items; bytes where there are none.

    Raises ``BadInput`` where they are neither.
    """
    if goldens is None or not goldens.real:
        return BYTES
    values = next(iter(goldens.inputs.values()))
    low, high = float(values.min()), float(values.max())
    if low >= 0 and high <= 1:
        return 0.0, 1.0
    if low >= 0 and _LEAST_OF_BYTES < high <= BYTES[1]:
        return BYTES
    raise BadInput(
        f"the goldens' pixels go from {low:g} to {high:g}: neither 0..1 nor 0..255",
        hint=_HINT,
    )

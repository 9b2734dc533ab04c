"""How far a runtime elsewhere may be from the one that ``convert`` verified the same file with.

Of browsers ``targets.web.tolerances`` says it. Boards run the same runtimes as this machine with
other kernels. Errors are over the range of the source's output, and come on top of the limits of
the artifact's scheme.
"""

from __future__ import annotations

from edgewright.targets.web.runtimes import WEB_RUNTIMES
from edgewright.targets.web.tolerances import INTEGER
from edgewright.targets.web.tolerances import tolerance as web_tolerance
from edgewright_converters.tolerances import Tolerance

_FLOAT = Tolerance(
    largest=1e-5,
    mean=1e-6,
    flips=0.0,
    reason="float32 summed in another order: 1e-6 at most seen between x86 and arm64",
)
_HALF = Tolerance(
    largest=1e-2,
    mean=1e-3,
    flips=0.13,
    reason="a processor with half-precision arithmetic computes in 11 bits of mantissa",
)
_QUANTA = Tolerance(
    largest=0.1,
    mean=1e-2,
    flips=0.13,
    reason="another kernel may round a tie of an integer to the other side, layer by layer",
)


def tolerance(runtime: str, scheme: str) -> Tolerance:
    """Raises ``KeyError`` for ``null``, which has no answers."""
    if runtime in WEB_RUNTIMES:
        return web_tolerance(runtime, scheme)
    if runtime == "null":
        raise KeyError(runtime)
    if scheme.removesuffix("-mixed") in INTEGER:
        return _QUANTA
    return _HALF if scheme.startswith("float16") else _FLOAT

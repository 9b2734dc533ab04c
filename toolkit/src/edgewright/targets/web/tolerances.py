"""How far a web runtime may be from the runtime that ``convert`` verified the same file with.

Errors are over the range of the source's output, as in ``edgewright_converters.tolerances``, whose
limits of the artifact's scheme these come on top of. By runtime, and by what is computed: in
floats, or in the integers of the file.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from edgewright.targets.web.runtimes import web_runtime
from edgewright_converters.tolerances import Tolerance

Arithmetic = Literal["float", "integer"]
INTEGER = ("int8", "int8-io", "int16x8", "dynamic")  # but in TF.js, where they are storage only

_SUMS = Tolerance(
    largest=1e-4,
    mean=1e-5,
    flips=0.0,
    reason="float32 summed in another order: 4.8e-5 at most seen in WebAssembly and JavaScript",
)
_GPU = Tolerance(
    largest=1e-3,
    mean=1e-4,
    flips=0.0,
    reason="a GPU's exp, tanh and fused multiply-add round otherwise",
)
_HALF = Tolerance(
    largest=3e-2,
    mean=5e-3,
    flips=0.13,
    reason="WebGL of many phones has half-precision textures alone: 11 bits of mantissa",
)
_QUANTA = Tolerance(
    largest=0.1,
    mean=1e-2,
    flips=0.13,
    reason="another kernel may round a tie of an integer to the other side, layer by layer",
)
_BY_RUNTIME: Mapping[str, Mapping[Arithmetic, Tolerance]] = {
    "tfjs-cpu": {"float": _SUMS},
    "tfjs-wasm": {"float": _SUMS},
    "tfjs-webgl": {"float": _HALF},
    "tfjs-webgpu": {"float": _GPU},
    "ort-web-wasm": {"float": _SUMS, "integer": _QUANTA},
    "ort-web-webgpu": {"float": _GPU, "integer": _QUANTA},
    "litertjs-wasm": {"float": _SUMS, "integer": _QUANTA},
    "litertjs-webgpu": {"float": _HALF, "integer": _QUANTA},
}


def tolerance(runtime: str, scheme: str) -> Tolerance:
    """Raises ``UnknownName`` for a runtime that is not a web one, ``KeyError`` for ``null``."""
    web_runtime(runtime)
    limits = _BY_RUNTIME[runtime]
    whole = scheme.removesuffix("-mixed") in INTEGER and "integer" in limits
    return limits["integer" if whole else "float"]

"""Convert, check and measure models for devices and browsers.

Each verb of the command line is a function here: ``convert``, ``check``, ``bench``, ``report``,
``inspect``, ``run``, ``doctor``; ``load`` opens an artifact.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from edgewright_runtimes.version import __version__

if TYPE_CHECKING:
    from edgewright.bench import bench
    from edgewright.check import check
    from edgewright.convert import convert
    from edgewright.doctor import doctor
    from edgewright.inspect import inspect
    from edgewright.plan import run
    from edgewright.report import report
    from edgewright_runtimes import load

_HOMES = {
    "bench": "edgewright.bench",
    "check": "edgewright.check",
    "convert": "edgewright.convert",
    "doctor": "edgewright.doctor",
    "inspect": "edgewright.inspect",
    "load": "edgewright_runtimes",
    "report": "edgewright.report",
    "run": "edgewright.plan",
}
__all__ = [
    "__version__",
    "bench",
    "check",
    "convert",
    "doctor",
    "inspect",
    "load",
    "report",
    "run",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

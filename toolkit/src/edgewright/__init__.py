"""Convert, check and measure models for devices and browsers.

Each verb of the command line is a function here: ``convert``, ``compress``, ``check``, ``bench``,
``gate``, ``report``, ``export_app``, ``inspect``, ``explain``, ``sensitivity``, ``run`` and
``doctor``; ``load`` opens an artifact.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from edgewright_runtimes.version import __version__

if TYPE_CHECKING:
    from edgewright.verbs.bench import bench
    from edgewright.verbs.check import check
    from edgewright.verbs.compress import compress
    from edgewright.verbs.convert import convert
    from edgewright.verbs.doctor import doctor
    from edgewright.verbs.explain import explain
    from edgewright.verbs.export_app import export_app
    from edgewright.verbs.gate import gate
    from edgewright.verbs.inspect import inspect
    from edgewright.verbs.report import report
    from edgewright.verbs.run import run
    from edgewright.verbs.sensitivity import sensitivity
    from edgewright_runtimes import load

VERBS = (
    "bench",
    "check",
    "compress",
    "convert",
    "doctor",
    "explain",
    "export_app",
    "gate",
    "inspect",
    "report",
    "run",
    "sensitivity",
)
__all__ = [
    "__version__",
    "bench",
    "check",
    "compress",
    "convert",
    "doctor",
    "explain",
    "export_app",
    "gate",
    "inspect",
    "load",
    "report",
    "run",
    "sensitivity",
]


def __getattr__(name: str) -> Any:
    if name == "load":
        return importlib.import_module("edgewright_runtimes").load
    if name in VERBS:
        return getattr(importlib.import_module(f"edgewright.verbs.{name}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

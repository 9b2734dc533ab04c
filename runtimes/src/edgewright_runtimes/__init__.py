"""Run a model artifact on this device. Needs numpy, nothing else.

from edgewright_runtimes import load
model = load("model.tflite")
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edgewright_runtimes.version import __version__

if TYPE_CHECKING:
    from edgewright_runtimes.model import Model, load

__all__ = ["Model", "__version__", "load"]


def __getattr__(name: str) -> Any:
    if name in ("Model", "load"):
        from edgewright_runtimes import model

        return getattr(model, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

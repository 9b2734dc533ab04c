"""Run a model artifact on this device. Needs numpy, nothing else.

from edgewright_runtimes import load
model = load("model.tflite")
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from edgewright_runtimes.version import __version__

if TYPE_CHECKING:
    from edgewright_runtimes.model import Model, load

__all__ = ["Model", "__version__", "load"]

# ONNX Runtime's official wheels report to their maker unless told before they are first imported
# (its Privacy.md); whoever wants that sets the variable to another value
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")


def __getattr__(name: str) -> Any:
    if name in ("Model", "load"):
        from edgewright_runtimes import model

        return getattr(model, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

"""LiteRT (TensorFlow Lite), from the package ``ai-edge-litert``."""

from __future__ import annotations

from pathlib import Path

from ai_edge_litert.interpreter import Interpreter

from edgewright_runtimes.backends.tflite_session import TFLiteSession, checked_path
from edgewright_runtimes.runtime import SessionOptions

PACKAGE = "ai-edge-litert"


def open_session(path: Path, *, options: SessionOptions) -> TFLiteSession:
    """Open a ``.tflite`` file; ``ArtifactError`` with LiteRT's reason where it refuses."""
    file = checked_path(path, options)

    def make() -> Interpreter:
        return Interpreter(file, num_threads=options.threads)

    return TFLiteSession(make, path, PACKAGE, options.threads)

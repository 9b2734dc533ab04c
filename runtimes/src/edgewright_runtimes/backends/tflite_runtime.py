"""TensorFlow Lite as many boards still have it, from the package ``tflite-runtime``.

2.14.0, its last version, is built for numpy 1: under numpy 2 its import succeeds and building an
interpreter raises ``SystemError``. It lives in an environment of its own (``edgewright doctor``).
"""

from __future__ import annotations

import io
from contextlib import nullcontext, redirect_stderr
from pathlib import Path

import numpy as np
from tflite_runtime.interpreter import Interpreter

from edgewright_runtimes.backends.tflite_session import TFLiteSession, checked_path
from edgewright_runtimes.errors import MissingExtra
from edgewright_runtimes.runtime import SessionOptions

PACKAGE = "tflite-runtime"


def open_session(path: Path, *, options: SessionOptions) -> TFLiteSession:
    """Open a ``.tflite`` file.

    Raises ``ArtifactError`` with the runtime's reason where it refuses, ``MissingExtra`` where
    tflite-runtime cannot work with the numpy that is installed.
    """
    file = checked_path(path, options)
    # under numpy 2 a page of warnings comes before the SystemError, and says less than our line
    numpy_1 = np.__version__.startswith("1.")

    def make() -> Interpreter:
        with nullcontext() if numpy_1 else redirect_stderr(io.StringIO()):
            return Interpreter(file, num_threads=options.threads)

    try:
        return TFLiteSession(make, path, PACKAGE, options.threads)
    except SystemError as e:
        raise MissingExtra(
            f"tflite-runtime is here but does not work with numpy {np.__version__}",
            hint="in an environment of its own: edgewright doctor --make tflite-runtime",
        ) from e

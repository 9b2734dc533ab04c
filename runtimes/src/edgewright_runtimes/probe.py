"""Does a runtime work here? Built and run on a model of one Relu, for an import proves nothing.

tflite-runtime 2.14 under numpy 2, for one, imports well and fails when an interpreter is built.
"""

from __future__ import annotations

import base64
import tempfile
import zlib
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import numpy as np

from edgewright_runtimes.errors import ArtifactError
from edgewright_runtimes.records import Format
from edgewright_runtimes.runtime import SessionOptions, open_session, runtime_row

# y = relu(x), float32 [1, 4]; zlib, base64
_RELU: Mapping[Format, str] = {
    "tflite": (
        "eNptUT1LA0EUnDOnhnjGwAVJkSJF6sPE2GkRYsRAPiQGsYtCrrgiF4inKPgrrC0tLfwVVlbWgn/BQtDK"
        "c3b33SHqO4bbnd03783bMoDRXneziArKKKGIAhxyWdhcg5xBRFQtoEFsLwAZmOASDcImXuI4tmXtEq1B"
        "/6g9POwM+uNee9TcbY6a1HW0dhZGI7k7DcLx/DyMgqk/vvDnZ8EsxCL5e+KOuCWu5f6N1DkhCtJHFvlU"
        "V3FVzS5pbknyVDipR1v7fHr+WHV3Kq8Z8WLrLKDu1Wvexl8NpV3ztsyRxNtXHL8Tn8Qa971uZ1hpzUL6"
        "iPyJB45MzxLsMamuNPPCq/nuE13iQOpMT4NQZVipx1z6Ljn9h95bP4B/9srTsWg+cm7qqCCa6qxEPJBX"
        "ep2JzweIrpI8K53buu4b0rmJZbKmZFF8JD5t/Zn95S+txI/Db0Wnm3dwjZb7DfHtRKU="
    ),
    "onnx": ("eNrj4LCy5uLhYqwQYqxUYglKzSkVYkyPEgYJ8HHxcDAKcXAxcTACMUsSULASXdCJhYtBQBAAPcYHSQ=="),
}


def probe(name: str) -> Mapping[str, str]:
    """Open, run and close a tiny model in the runtime; what was in force.

    Raises ``UnknownName``, ``MissingExtra`` or ``ArtifactError``.
    """
    format_ = runtime_row(name).formats[0]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"relu.{format_}"
        path.write_bytes(zlib.decompress(base64.b64decode(_RELU[format_])))
        session = open_session(path, name, options=SessionOptions())
        with closing(session):
            x = np.array([[-1.0, 0.0, 1.0, 2.0]], np.float32)
            outputs = session.run({spec.name: x for spec in session.inputs})
            if name != "null" and not np.array_equal(
                next(iter(outputs.values())), np.maximum(x, 0)
            ):
                raise ArtifactError(f"runtime {name!r} answered {outputs} for relu({x})")
            return dict(session.in_force())

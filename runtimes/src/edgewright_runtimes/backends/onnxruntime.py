"""ONNX Runtime on the CPU, from the package ``onnxruntime``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
import onnxruntime as ort

from edgewright_runtimes.backends.tflite_session import check_feeds, refused
from edgewright_runtimes.errors import ArtifactError, BadInput
from edgewright_runtimes.records import TensorSpec
from edgewright_runtimes.runtime import SessionOptions

if TYPE_CHECKING:
    from edgewright_runtimes.runtime import Arrays

PACKAGE = "onnxruntime"
SILENT = 4  # severity FATAL: what goes wrong is raised, and said once
DTYPES = {
    "tensor(float)": "float32",
    "tensor(double)": "float64",
    **{f"tensor({n})": n for n in ("float16", "bool", "string")},
    **{f"tensor({s}int{bits})": f"{s}int{bits}" for s in ("", "u") for bits in (8, 16, 32, 64)},
}


class NodeArg(Protocol):
    name: str
    type: str
    shape: Sequence[int | str | None]


class ONNXSession:
    """One ``InferenceSession``; its ``run`` may be called from several threads."""

    def __init__(self, path: Path, options: SessionOptions) -> None:
        self._path = path
        self._threads = options.threads
        asked = ort.SessionOptions()
        asked.intra_op_num_threads = options.threads
        asked.inter_op_num_threads = 1
        asked.log_severity_level = SILENT
        try:
            session = ort.InferenceSession(str(path), asked, providers=["CPUExecutionProvider"])
        except Exception as e:  # its exceptions have no base of their own
            raise refused(path, PACKAGE, e) from e
        self.inputs = tuple(_spec(path, "input", arg) for arg in session.get_inputs())
        self.outputs = tuple(_spec(path, "output", arg) for arg in session.get_outputs())
        self._names = [spec.name for spec in self.outputs]
        self._session: ort.InferenceSession | None = session

    def run(self, feeds: Arrays) -> Arrays:
        """Feeds by name in the file's dtypes; fresh arrays by name.

        Raises ``BadInput`` for a missing name, a wrong shape or dtype, ``ArtifactError`` where
        the runtime fails in the middle.
        """
        session = self._live()
        try:
            for value in feeds.values():
                if not value.dtype.isnative:  # it would be read as if it were
                    raise ValueError("an array in another byte order")
            return dict(zip(self._names, session.run(self._names, feeds)))  # noqa: B905 - 0.2 us
        except Exception as e:  # its exceptions have no base of their own
            check_feeds(self.inputs, feeds)
            raise refused(self._path, PACKAGE, e, "run") from e

    def timed(self, feeds: Arrays) -> Callable[[], object]:
        run, names = self._live().run, self._names
        return lambda: run(names, feeds)

    def _live(self) -> ort.InferenceSession:
        if self._session is None:
            raise ArtifactError(f"{self._path}: this session is closed", hint="open it again")
        return self._session

    def reset(self) -> None:
        """Nothing to forget: an ONNX graph takes its state as inputs."""

    def in_force(self) -> Mapping[str, str]:
        return {
            "runtime": f"{PACKAGE} {ort.__version__}",
            "threads": str(self._live().get_session_options().intra_op_num_threads),
            "delegate": ", ".join(self._live().get_providers()),
            "numpy": np.__version__,
        }

    def close(self) -> None:
        self._session = None


def _spec(path: Path, side: str, arg: NodeArg) -> TensorSpec:
    try:
        dtype = DTYPES[arg.type]
    except KeyError:
        raise ArtifactError(
            f"{path}: {side} {arg.name!r} is a {arg.type}, not a tensor that numpy has",
            hint="export the model with plain tensors (scikit-learn: zipmap=False)",
        ) from None
    shape = tuple(d if isinstance(d, int) else None for d in arg.shape)
    return TensorSpec(name=arg.name, dtype=dtype, shape=shape)


def open_session(path: Path, *, options: SessionOptions) -> ONNXSession:
    """Open a ``.onnx`` file; ``ArtifactError`` with ONNX Runtime's reason where it refuses."""
    if not path.is_file():
        raise BadInput(f"{path}: no such file", hint="give a .onnx file")
    if options.threads < 1:
        raise BadInput(f"threads is {options.threads}; expected 1 or more")
    return ONNXSession(path, options)

"""ONNX Runtime on the CPU, from the package ``onnxruntime``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
import onnxruntime as ort

from edgewright_runtimes.backends.refusals import check_feeds, closed, closed_run, refused
from edgewright_runtimes.errors import ArtifactError, BadInput
from edgewright_runtimes.records import TensorSpec
from edgewright_runtimes.runtime import SessionOptions

if TYPE_CHECKING:
    from edgewright_runtimes.runtime import Array, Arrays

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
    """One ``InferenceSession``; its ``run`` may be called from several threads.

    ``run(feeds)`` raises ``BadInput`` for a missing name, a wrong shape or dtype,
    ``ArtifactError`` where the runtime fails in the middle.
    """

    run: Callable[[Arrays], Arrays]

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
        self._session: ort.InferenceSession | None = session
        self.run = _make_run(session, path, self.inputs, [spec.name for spec in self.outputs])

    def timed(self, feeds: Sequence[Arrays]) -> Callable[[], object]:
        run, names = self._live().run, [spec.name for spec in self.outputs]

        def call() -> object:
            for feed in feeds:
                found = run(names, feed)
            return found

        return call

    def _live(self) -> ort.InferenceSession:
        if self._session is None:
            raise closed(self._path)
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
        self.run = closed_run(self._path)


def _make_run(
    session: ort.InferenceSession, path: Path, inputs: tuple[TensorSpec, ...], names: list[str]
) -> Callable[[Arrays], Arrays]:
    """``Session.run`` with all it needs looked up beforehand, as in ``tflite_calls``.

    ``InferenceSession.run`` checks names in Python and then calls the ``run`` of its ``_sess`` in
    C++; the checks cost 3 us, and ours are made here. ``_sess`` is not public: where it is not
    there, or does not take what fits, the public ``run`` decides.
    """
    native = getattr(getattr(session, "_sess", None), "run", session.run)
    wanted, count = [spec.name for spec in inputs], len(inputs)
    only = names[0] if len(names) == 1 else None

    def run(feeds: Arrays) -> Arrays:
        try:
            if len(feeds) != count:
                raise KeyError
            for name in wanted:
                if not feeds[name].dtype.isnative:
                    raise ValueError
            found = native(names, feeds, None)
        except Exception:  # its exceptions have no base of their own
            found = run_checked(feeds)
        return dict(zip(names, found)) if only is None else {only: found[0]}  # noqa: B905 - 0.2 us

    def run_checked(feeds: Arrays) -> Sequence[Array]:
        check_feeds(inputs, feeds)
        try:
            if not all(value.dtype.isnative for value in feeds.values()):
                raise ValueError("an array in another byte order")  # read as if it were native
            found: Sequence[Array] = session.run(names, feeds)
        except Exception as e:
            raise refused(path, PACKAGE, e, "run") from e
        return found

    return run


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

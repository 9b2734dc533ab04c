"""The runtime contract, and the table of runtimes.

A runtime is a module in ``backends/`` with one function, ``open_session``.
To add one: write the module, add its row, run ``tests/runtimes``.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from edgewright_runtimes.errors import MissingExtra, UnknownName

if TYPE_CHECKING:
    import numpy as np

    from edgewright_runtimes.backends import litert, null, onnxruntime, tflite_runtime
    from edgewright_runtimes.records import Format, TensorSpec

    Array = np.ndarray[Any, Any]
    Arrays = Mapping[str, Array]
    # mypy proves that each backend keeps the contract
    _modules: tuple[RuntimeModule, ...] = (litert, null, onnxruntime, tflite_runtime)


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionOptions:
    threads: int = 1


class Session(Protocol):
    """A model ready to run. Close it, or use ``contextlib.closing``."""

    @property
    def inputs(self) -> tuple[TensorSpec, ...]: ...
    @property
    def outputs(self) -> tuple[TensorSpec, ...]: ...
    def run(self, feeds: Arrays) -> Arrays:
        """Feeds as the file takes them (quantized where it is); fresh arrays come back."""

    def timed(self, feeds: Sequence[Arrays]) -> Callable[[], object]:
        """A call that takes these feeds in turn: sets each, runs, reads every output.

        For the timing loop, and a bare loop in one frame: no call for each feed, no check, no
        error of ours. Feeds of these shapes were ``run`` before. Returns the last one's outputs.
        """

    def reset(self) -> None:
        """Forget what a stateful model carries from one run to the next."""

    def in_force(self) -> Mapping[str, str]:
        """What is really active, not what was asked for: delegate, threads, version."""

    def close(self) -> None: ...


class RuntimeModule(Protocol):
    def open_session(self, path: Path, *, options: SessionOptions) -> Session: ...


@dataclass(frozen=True, slots=True)
class Runtime:
    """One row of the table: what it runs, where it lives, how to get it."""

    name: str
    formats: tuple[Format, ...]
    module: str
    package: str = ""  # what is imported, for a check that imports nothing
    extra: str = ""
    below: tuple[int, int] | None = None  # the first Python that it has no wheel for

    @property
    def how_to_get(self) -> str:
        """What to type; where no wheel exists for this Python, what to do instead."""
        if self.below is None or sys.version_info < self.below:
            return f"pip install 'edgewright-runtimes[{self.extra}]'"
        first, own = (".".join(map(str, v)) for v in (self.below, sys.version_info[:2]))
        return (
            f"there is no wheel of {self.name} for Python {own}, only below {first}: use the "
            f"runtime litert, or, with a Python below {first}, edgewright doctor --make {self.name}"
        )


RUNTIMES = {
    r.name: r
    for r in (
        Runtime("litert", ("tflite",), "litert", "ai_edge_litert", "litert"),
        Runtime(
            "tflite-runtime", ("tflite",), "tflite_runtime", "tflite_runtime", "tflite", (3, 12)
        ),
        Runtime("onnxruntime", ("onnx",), "onnxruntime", "onnxruntime", "onnx"),
        Runtime("null", ("tflite", "onnx"), "null"),
    )
}


def runtime_row(name: str) -> Runtime:
    try:
        return RUNTIMES[name]
    except KeyError:
        raise UnknownName("runtime", name, RUNTIMES) from None


def load_runtime(name: str) -> RuntimeModule:
    """Import the named runtime, and nothing else.

    Raises ``UnknownName``, or ``MissingExtra`` where its package is not installed.
    """
    row = runtime_row(name)
    try:
        module: RuntimeModule = importlib.import_module(
            f"edgewright_runtimes.backends.{row.module}"
        )
    except ModuleNotFoundError as e:
        if (e.name or "").startswith("edgewright_runtimes"):
            raise  # our own module is missing: a bug, not a missing package
        raise MissingExtra(f"runtime {name!r} needs {e.name}", hint=row.how_to_get) from e
    return module


def open_session(
    path: Path, runtime: str, *, options: SessionOptions = SessionOptions()
) -> Session:
    """Load ``path`` into the named runtime, importing that runtime only now.

    Raises ``UnknownName``, ``MissingExtra``, or ``ArtifactError`` when the runtime refuses it.
    """
    return load_runtime(runtime).open_session(path, options=options)

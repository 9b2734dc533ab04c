"""What LiteRT and tflite-runtime have in common: one interpreter class, two packages.

Knows the public interface of ``Interpreter`` and the list of its nodes: for ``in_force``, and to
see whether a model has variables of its own (``VAR_HANDLE``). ``reset_all_variables`` leaves those
as they are, so a reset makes a new interpreter.
A session is not thread safe; ``edgewright_runtimes.model`` puts a lock around it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from edgewright_runtimes.backends.refusals import closed, closed_run, refused
from edgewright_runtimes.backends.tflite_calls import (
    Details,
    Interpreter,
    Wiring,
    make_run,
    make_timed,
)
from edgewright_runtimes.errors import BadInput
from edgewright_runtimes.records import TensorSpec
from edgewright_runtimes.runtime import SessionOptions

if TYPE_CHECKING:
    from edgewright_runtimes.runtime import Arrays


class TFLiteSession:
    """One allocated interpreter. Inputs with free dimensions are resized when a feed asks it.

    ``make`` gives a fresh interpreter of the same file. ``run(feeds)`` raises ``BadInput`` for a
    missing name, a wrong shape or dtype, ``ArtifactError`` where the runtime fails in the middle.
    """

    run: Callable[[Arrays], Arrays]

    def __init__(
        self, make: Callable[[], Interpreter], path: Path, package: str, threads: int
    ) -> None:
        self._path = path
        self._package = package
        self._threads = threads
        self._make = make
        interpreter = self._allocated()
        ops = interpreter._get_ops_details()
        self._own = any(op["op_name"] == "VAR_HANDLE" for op in ops)
        inputs = interpreter.get_input_details()
        outputs = interpreter.get_output_details()
        input_names, output_names = _names(interpreter, inputs, outputs)
        self.inputs = tuple(_spec(n, d) for n, d in zip(input_names, inputs, strict=True))
        self.outputs = tuple(_spec(n, d) for n, d in zip(output_names, outputs, strict=True))
        self._wiring = Wiring(
            path=path,
            package=package,
            inputs=self.inputs,
            into=tuple((n, d["index"]) for n, d in zip(input_names, inputs, strict=True)),
            out_of=tuple((n, d["index"]) for n, d in zip(output_names, outputs, strict=True)),
        )
        self._use(interpreter)

    def _use(self, interpreter: Interpreter) -> None:
        self._interpreter: Interpreter | None = interpreter
        self.run = make_run(interpreter, self._wiring)

    def _allocated(self) -> Interpreter:
        try:
            interpreter = self._make()
            interpreter.allocate_tensors()
        except (RuntimeError, ValueError) as e:
            raise refused(self._path, self._package, e) from e
        return interpreter

    def timed(self, feeds: Sequence[Arrays]) -> Callable[[], object]:
        return make_timed(self._live(), self._wiring, feeds)

    def _live(self) -> Interpreter:
        if self._interpreter is None:
            raise closed(self._path)
        return self._interpreter

    def reset(self) -> None:
        live = self._interpreter or self._live()
        if self._own:
            self._use(self._allocated())
        else:
            live.reset_all_variables()

    def in_force(self) -> Mapping[str, str]:
        """The package's version, the threads, and how many ops the delegate really took.

        TFLite applies XNNPACK by default and reports nothing; its nodes in the graph tell.
        """
        from importlib.metadata import version  # 10 ms that an app does not spend

        return {
            "runtime": f"{self._package} {version(self._package)}",
            "threads": str(self._threads),
            "delegate": _delegate(self._live()),
            "numpy": np.__version__,
        }

    def close(self) -> None:
        self._interpreter = None
        self.run = closed_run(self._path)


def _spec(name: str, details: Details) -> TensorSpec:
    dtype = np.dtype(details["dtype"])
    scales = details["quantization_parameters"]["scales"]
    zero_points = details["quantization_parameters"]["zero_points"]
    per_tensor = len(scales) == 1
    return TensorSpec(
        name=name,
        dtype="string" if dtype.kind in "SUO" else dtype.name,
        shape=tuple(None if d < 0 else int(d) for d in details["shape_signature"]),
        scale=float(scales[0]) if per_tensor else None,
        zero_point=int(zero_points[0]) if per_tensor else 0,
    )


def _names(
    interpreter: Interpreter, inputs: Sequence[Details], outputs: Sequence[Details]
) -> tuple[list[str], list[str]]:
    """The names of the one signature (those of the source model), else the tensors' own."""
    own = [d["name"] for d in inputs], [d["name"] for d in outputs]
    keys = list(interpreter.get_signature_list())
    if len(keys) != 1:
        return own
    runner = interpreter.get_signature_runner(keys[0])
    by_index = [
        {d["index"]: name for name, d in details.items()}
        for details in (runner.get_input_details(), runner.get_output_details())
    ]
    try:
        return [by_index[0][d["index"]] for d in inputs], [by_index[1][d["index"]] for d in outputs]
    except KeyError:  # one tensor under two names, or a signature of another subgraph
        return own


def _delegate(interpreter: Interpreter) -> str:
    """``XNNPACK (14 of 16 ops)`` or ``none``: walked back from the outputs.

    A delegate's node replaces the ops between its inputs and outputs, which stay in the list;
    an op that is still reached from the outputs is one that runs outside the delegate.
    """
    ops = interpreter._get_ops_details()
    delegates = [op for op in ops if op["op_name"] == "DELEGATE"]
    if not delegates:
        return "none"
    plain = [op for op in ops if op["op_name"] != "DELEGATE"]
    maker = {int(t): op for op in [*plain, *delegates] for t in op["outputs"]}
    todo = [int(d["index"]) for d in interpreter.get_output_details()]
    seen: set[int] = set()
    while todo:
        op = maker.get(todo.pop())
        if op is not None and op["index"] not in seen:
            seen.add(op["index"])
            todo.extend(int(t) for t in op["inputs"])
    outside = sum(1 for op in plain if op["index"] in seen)
    return f"XNNPACK ({len(plain) - outside} of {len(plain)} ops)"


def checked_path(path: Path, options: SessionOptions) -> str:
    if not path.is_file():
        raise BadInput(f"{path}: no such file", hint="give a .tflite file")
    if options.threads < 1:
        raise BadInput(f"threads is {options.threads}; expected 1 or more")
    return str(path)

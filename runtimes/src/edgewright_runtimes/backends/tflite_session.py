"""What LiteRT and tflite-runtime have in common: one interpreter class, two packages.

Knows the public interface of ``Interpreter`` and the list of its nodes: for ``in_force``, and to
see whether a model has variables of its own (``VAR_HANDLE``). ``reset_all_variables`` leaves those
as they are, so a reset makes a new interpreter.
A session is not thread safe; ``edgewright_runtimes.model`` puts a lock around it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from edgewright_runtimes.errors import ArtifactError, BadInput
from edgewright_runtimes.records import TensorSpec
from edgewright_runtimes.runtime import SessionOptions

if TYPE_CHECKING:
    from edgewright_runtimes.runtime import Array, Arrays

Details = Mapping[str, Any]


class Interpreter(Protocol):
    """The part of the two packages' ``Interpreter`` that is used here."""

    def allocate_tensors(self) -> None: ...
    def get_input_details(self) -> Sequence[Details]: ...
    def get_output_details(self) -> Sequence[Details]: ...
    def get_signature_list(self) -> Mapping[str, Mapping[str, Sequence[str]]]: ...
    def get_signature_runner(self, signature_key: str) -> Any: ...
    def resize_tensor_input(self, input_index: int, tensor_size: Sequence[int]) -> None: ...
    def set_tensor(self, tensor_index: int, value: Array) -> None: ...
    def invoke(self) -> None: ...
    def get_tensor(self, tensor_index: int) -> Array: ...
    def reset_all_variables(self) -> None: ...
    def _get_ops_details(self) -> Sequence[Details]: ...


class TFLiteSession:
    """One allocated interpreter. Inputs with free dimensions are resized when a feed asks it.

    ``make`` gives a fresh interpreter of the same file.
    """

    def __init__(
        self, make: Callable[[], Interpreter], path: Path, package: str, threads: int
    ) -> None:
        self._path = path
        self._package = package
        self._threads = threads
        interpreter = self._allocated(make)
        own = any(op["op_name"] == "VAR_HANDLE" for op in interpreter._get_ops_details())
        self._anew = make if own else None
        inputs = interpreter.get_input_details()
        outputs = interpreter.get_output_details()
        input_names, output_names = _names(interpreter, inputs, outputs)
        self.inputs = tuple(_spec(n, d) for n, d in zip(input_names, inputs, strict=True))
        self.outputs = tuple(_spec(n, d) for n, d in zip(output_names, outputs, strict=True))
        self._in = tuple((n, d["index"]) for n, d in zip(input_names, inputs, strict=True))
        self._out = tuple((n, d["index"]) for n, d in zip(output_names, outputs, strict=True))
        self._only_out = self._out[0] if len(self._out) == 1 else None
        self._open(interpreter)

    def _allocated(self, make: Callable[[], Interpreter]) -> Interpreter:
        try:
            interpreter = make()
            interpreter.allocate_tensors()
        except (RuntimeError, ValueError) as e:
            raise refused(self._path, self._package, e) from e
        return interpreter

    def _open(self, interpreter: Interpreter) -> None:
        self._interpreter: Interpreter | None = interpreter
        self._set = interpreter.set_tensor
        self._invoke = interpreter.invoke
        self._get = interpreter.get_tensor

    def run(self, feeds: Arrays) -> Arrays:
        """Feeds by name in the file's dtypes; fresh arrays by name.

        Raises ``BadInput`` for a missing name, a wrong shape or dtype, ``ArtifactError`` where
        the runtime fails in the middle.
        """
        try:
            for name, index in self._in:
                self._set(index, feeds[name])
        except (KeyError, ValueError, AttributeError):
            self._set_slowly(feeds)
        try:
            self._invoke()
        except (RuntimeError, ValueError) as e:
            raise refused(self._path, self._package, e, "run") from e
        if self._only_out is not None:
            return {self._only_out[0]: self._get(self._only_out[1])}
        return {name: self._get(index) for name, index in self._out}

    def timed(self, feeds: Arrays) -> Callable[[], object]:
        live = self._live()
        set_tensor, invoke, get_tensor = live.set_tensor, live.invoke, live.get_tensor
        given = [(index, feeds[name]) for name, index in self._in]
        wanted = [index for _, index in self._out]
        if len(given) != 1 or len(wanted) != 1:

            def call() -> object:
                for index, value in given:
                    set_tensor(index, value)
                invoke()
                return [get_tensor(index) for index in wanted]

            return call
        ((into, x),), (out_of,) = given, wanted

        def call_one() -> object:
            set_tensor(into, x)
            invoke()
            return get_tensor(out_of)

        return call_one

    def _set_slowly(self, feeds: Arrays) -> None:
        """The way taken when a feed does not fit as it is: resize, or say what is wrong."""
        interpreter = self._live()
        check_feeds(self.inputs, feeds)
        try:
            for name, index in self._in:
                interpreter.resize_tensor_input(index, feeds[name].shape)
            interpreter.allocate_tensors()
            for name, index in self._in:
                interpreter.set_tensor(index, feeds[name])
        except (RuntimeError, ValueError) as e:
            self._restore(interpreter)
            raise refused(self._path, self._package, e, "run") from e

    def _restore(self, interpreter: Interpreter) -> None:
        """After a resize that the graph can't follow, back to the shape the file came with."""
        for spec, (_, index) in zip(self.inputs, self._in, strict=True):
            interpreter.resize_tensor_input(index, [1 if d is None else d for d in spec.shape])
        interpreter.allocate_tensors()

    def _live(self) -> Interpreter:
        if self._interpreter is None:
            raise ArtifactError(f"{self._path}: this session is closed", hint="open it again")
        return self._interpreter

    def reset(self) -> None:
        live = self._interpreter or self._live()
        if self._anew is None:
            live.reset_all_variables()
        else:
            self._open(self._allocated(self._anew))

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
        if self._interpreter is None:
            return
        del self._set, self._invoke, self._get
        self._interpreter = None


def refused(path: Path, package: str, error: Exception, verb: str = "open") -> ArtifactError:
    """One line with the runtime's own reason, cut where it repeats itself for every tensor."""
    reason = " ".join(str(error).split()) or type(error).__name__
    return ArtifactError(f"{path}: {package} cannot {verb} it: {reason[:300]}")


def check_feeds(specs: Sequence[TensorSpec], feeds: Arrays) -> None:
    """Raise ``BadInput`` where feeds differ from the specs in name, dtype or shape."""
    for spec in specs:
        if spec.name not in feeds:
            given, wanted = ", ".join(feeds) or "nothing", ", ".join(s.name for s in specs)
            raise BadInput(f"no input {spec.name!r} was given ({given}); expected: {wanted}")
        value = feeds[spec.name]
        dtype = str(getattr(value, "dtype", type(value).__name__))
        if dtype != spec.dtype and spec.dtype != "string":
            raise BadInput(f"input {spec.name!r} is {dtype}; expected {spec.dtype}")
        shape = np.shape(value)
        fits = len(shape) == len(spec.shape) and all(
            want is None or want == got for want, got in zip(spec.shape, shape, strict=True)
        )
        if not fits:
            raise BadInput(f"input {spec.name!r} has shape {shape}; expected {shown(spec.shape)}")


def shown(shape: tuple[int | None, ...]) -> str:
    """``(N, 28, 28)``, for messages."""
    return "(" + ", ".join("N" if d is None else str(d) for d in shape) + ")"


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

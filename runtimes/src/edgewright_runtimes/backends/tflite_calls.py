"""The calls of a TFLite interpreter, with all they need looked up beforehand.

What stands between an app and ``invoke`` is counted in tenths of a microsecond. So a session's
``run`` is a closure over the interpreter's methods and the tensors' places, made once; it knows
no session, which can so be freed as soon as nobody holds it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from edgewright_runtimes.backends.refusals import check_feeds, refused

if TYPE_CHECKING:
    from edgewright_runtimes.records import TensorSpec
    from edgewright_runtimes.runtime import Array, Arrays

Details = Mapping[str, Any]

MAIN_GRAPH = 0


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
    @property
    def _interpreter(self) -> Any: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Wiring:
    """Which tensor of the file has which name, and what an error has to say."""

    path: Path
    package: str
    inputs: tuple[TensorSpec, ...]
    into: tuple[tuple[str, int], ...]
    out_of: tuple[tuple[str, int], ...]


def make_run(interpreter: Interpreter, wiring: Wiring) -> Callable[[Arrays], Arrays]:
    """``Session.run``: the feeds set, all outputs read into fresh arrays."""
    if len(wiring.into) == len(wiring.out_of) == 1 and _has_core(interpreter):
        return _run_one(interpreter, wiring)
    set_tensor, invoke, get_tensor = _methods(interpreter)
    into, out_of = wiring.into, wiring.out_of

    def run(feeds: Arrays) -> Arrays:
        try:
            for name, index in into:
                set_tensor(index, feeds[name])
        except (KeyError, ValueError, AttributeError):
            _set_slowly(interpreter, wiring, feeds)
        try:
            invoke()
        except (RuntimeError, ValueError) as e:
            raise refused(wiring.path, wiring.package, e, "run") from e
        return {name: get_tensor(index) for name, index in out_of}

    return run


def _run_one(interpreter: Interpreter, wiring: Wiring) -> Callable[[Arrays], Arrays]:
    """Of one input and one output, as most models are: no loops, and the C++ object's methods.

    What the public methods add is a look for views of the runtime's memory, which nobody is given
    here, and half a microsecond.
    """
    ((name, into),), ((out_name, out_of),) = wiring.into, wiring.out_of

    def run(feeds: Arrays) -> Arrays:
        core = interpreter._interpreter  # never kept: a second reference counts as such a view
        try:
            core.SetTensor(into, feeds[name])
        except (KeyError, ValueError, AttributeError):
            del core
            _set_slowly(interpreter, wiring, feeds)
            core = interpreter._interpreter
        try:
            core.Invoke()
        except (RuntimeError, ValueError) as e:
            raise refused(wiring.path, wiring.package, e, "run") from e
        return {out_name: core.GetTensor(out_of, MAIN_GRAPH)}

    return run


def _has_core(interpreter: Interpreter) -> bool:
    """Whether the object behind the public class is the one known here; it is not public."""
    core = getattr(interpreter, "_interpreter", None)
    return all(callable(getattr(core, name, None)) for name in ("SetTensor", "Invoke", "GetTensor"))


def make_timed(
    interpreter: Interpreter, wiring: Wiring, feeds: Sequence[Arrays]
) -> Callable[[], object]:
    """``Session.timed``."""
    set_tensor, invoke, get_tensor = _methods(interpreter)
    wanted = [index for _, index in wiring.out_of]
    if len(wiring.into) != 1 or len(wanted) != 1:
        given = [[(index, feed[name]) for name, index in wiring.into] for feed in feeds]

        def call() -> object:
            for values in given:
                for index, value in values:
                    set_tensor(index, value)
                invoke()
                found = [get_tensor(index) for index in wanted]
            return found

        return call
    ((name, into),), (out_of,) = wiring.into, wanted
    items = [feed[name] for feed in feeds]

    def call_one() -> object:
        for x in items:
            set_tensor(into, x)
            invoke()
            found = get_tensor(out_of)
        return found

    return call_one


def _methods(
    interpreter: Interpreter,
) -> tuple[Callable[[int, Array], None], Callable[[], None], Callable[[int], Array]]:
    return interpreter.set_tensor, interpreter.invoke, interpreter.get_tensor


def _set_slowly(interpreter: Interpreter, wiring: Wiring, feeds: Arrays) -> None:
    """The way taken when a feed does not fit as it is: resize, or say what is wrong."""
    check_feeds(wiring.inputs, feeds)
    try:
        for name, index in wiring.into:
            interpreter.resize_tensor_input(index, feeds[name].shape)
        interpreter.allocate_tensors()
        for name, index in wiring.into:
            interpreter.set_tensor(index, feeds[name])
    except (RuntimeError, ValueError) as e:
        _restore(interpreter, wiring)
        raise refused(wiring.path, wiring.package, e, "run") from e


def _restore(interpreter: Interpreter, wiring: Wiring) -> None:
    """After a resize that the graph can't follow, back to the shape the file came with."""
    for spec, (_, index) in zip(wiring.inputs, wiring.into, strict=True):
        interpreter.resize_tensor_input(index, [1 if d is None else d for d in spec.shape])
    interpreter.allocate_tensors()

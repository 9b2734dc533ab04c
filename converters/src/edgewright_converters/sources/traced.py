"""A source made of one TensorFlow function: what Keras, SavedModel and callables all become."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from edgewright_converters.errors import ConversionError
from edgewright_converters.sources.frameworks import import_tensorflow
from edgewright_converters.sources.source import Signature
from edgewright_runtimes.errors import BadInput
from edgewright_runtimes.records import TensorSpec

if TYPE_CHECKING:
    import numpy as np

    from edgewright_converters.sources.source import Arrays

BATCH = 64  # items per call of predict: enough to keep the cores busy, little memory

Call = Callable[[Mapping[str, Any]], Mapping[str, Any]]


class TracedSource:
    """``call`` maps tensors by input name to tensors by output name, in inference mode.

    ``keras_model`` is the Keras 3 model where there is one. The function is traced once per
    batch and kept; whatever owns the variables is kept alive by ``call``.
    """

    def __init__(
        self,
        *,
        kind: str,
        signature: Signature,
        call: Call,
        stateful: bool,
        notes: tuple[str, ...] = (),
        keras_model: Any = None,
    ) -> None:
        self._kind = kind
        self._signature = signature
        self.call = call
        self._stateful = stateful
        self._notes = notes
        self._keras_model = keras_model
        self._functions: dict[int | None, Any] = {}

    @property
    def kind(self) -> str:
        return self._kind

    @property
    def signature(self) -> Signature:
        return self._signature

    @property
    def stateful(self) -> bool:
        return self._stateful

    @property
    def notes(self) -> tuple[str, ...]:
        return self._notes

    def with_note(self, note: str) -> TracedSource:
        """The same source, saying one thing more about how it was read."""
        return TracedSource(
            kind=self._kind,
            signature=self._signature,
            call=self.call,
            stateful=self._stateful,
            notes=(*self._notes, note),
            keras_model=self._keras_model,
        )

    def as_keras(self) -> Any:
        return self._keras_model

    def as_concrete_function(self, *, batch: int | None) -> Any:
        """The function traced for ``batch``; raises ``ConversionError`` where it has its own."""
        if batch not in self._functions:
            specs = batched(self._signature.inputs, batch)
            self._functions[batch] = trace(self.call, specs)
        return self._functions[batch]

    def predict(self, feeds: Arrays) -> dict[str, np.ndarray[Any, Any]]:
        """Outputs by name, in the model's own dtypes; feeds are cast to the inputs' dtypes.

        Runs ``BATCH`` items at a time, or the model's own batch where that is fixed (the last
        call is then filled up with its last item). Raises ``BadInput`` for wrong names or shapes.
        """
        import numpy as np

        arrays = _checked(feeds, self._signature.inputs)
        fixed = fixed_batch(self._signature.inputs)
        function = self.as_concrete_function(batch=fixed)
        items = _items(arrays, self._signature.inputs)
        if items is None:
            return _run(function, arrays, self._signature)
        step = fixed or BATCH
        parts = []
        for start in range(0, max(items, 1), step):
            count = min(step, items - start)
            slices = {
                spec.name: _slice(arrays[spec.name], spec, start, count, fixed)
                for spec in self._signature.inputs
            }
            outputs = _run(function, slices, self._signature)
            parts.append({name: value[:count] for name, value in outputs.items()})
        if len(parts) == 1:
            return parts[0]
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def fixed_batch(specs: tuple[TensorSpec, ...]) -> int | None:
    """The batch a model insists on, or ``None`` where any will do."""
    return next((spec.shape[0] for spec in specs if spec.shape and spec.shape[0]), None)


def batched(specs: tuple[TensorSpec, ...], batch: int | None) -> tuple[TensorSpec, ...]:
    """The inputs with ``batch`` items. A scalar input has no batch and stays as it is."""
    own = fixed_batch(specs)
    if own is not None and batch != own:
        asked = "a dynamic batch" if batch is None else f"a batch of {batch}"
        raise ConversionError(
            f"the model was built for a batch of {own}, not for {asked}", hint=f"use --batch {own}"
        )
    return tuple(
        TensorSpec(
            name=spec.name,
            dtype=spec.dtype,
            shape=(batch, *spec.shape[1:]) if spec.shape else (),
        )
        for spec in specs
    )


def trace(call: Call, specs: tuple[TensorSpec, ...]) -> Any:
    """A ``tf.ConcreteFunction`` of ``call`` with keyword inputs in the order of ``specs``."""
    tf = import_tensorflow()

    def serve(**tensors: Any) -> dict[str, Any]:
        results = {name: tf.identity(value, name=name) for name, value in call(tensors).items()}
        _let_calls_be_inlined(tf.compat.v1.get_default_graph())
        return results

    # TensorFlow reads names and order of the inputs from the function's signature.
    parameters = [inspect.Parameter(spec.name, inspect.Parameter.KEYWORD_ONLY) for spec in specs]
    serve.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return tf.function(serve, autograph=False).get_concrete_function(
        **{
            spec.name: tf.TensorSpec(spec.shape, tf.dtypes.as_dtype(spec.dtype), name=spec.name)
            for spec in specs
        }
    )


def _let_calls_be_inlined(graph: Any) -> None:
    """Forget that a call wants XLA: TensorFlow inlines no such call, and no format has calls.

    Keras makes one of every grouped convolution (``keras/src/backend/tensorflow/nn.py``), for
    training on CPU needs it; TensorFlow's CPU kernel runs the forward pass without.
    """
    from tensorflow.core.framework.attr_value_pb2 import AttrValue

    for operation in graph.get_operations():
        if "_XlaMustCompile" in operation.node_def.attr:
            operation._set_attr("_XlaMustCompile", AttrValue(b=False))


def _checked(feeds: Arrays, specs: tuple[TensorSpec, ...]) -> dict[str, np.ndarray[Any, Any]]:
    import numpy as np

    names = [spec.name for spec in specs]
    if set(feeds) != set(names):
        raise BadInput(f"inputs {sorted(feeds)} given; the model takes {names}")
    arrays = {}
    for spec in specs:
        array = np.asarray(feeds[spec.name])
        wrong = len(array.shape) != len(spec.shape) or any(
            want is not None and want != have
            for want, have in zip(spec.shape[1:], array.shape[1:], strict=True)
        )
        if wrong:
            raise BadInput(
                f"input {spec.name!r} has the shape {list(array.shape)}; the model takes"
                f" {list(spec.shape)}"
            )
        arrays[spec.name] = array if spec.dtype == "string" else array.astype(_numpy(spec))
    return arrays


def _numpy(spec: TensorSpec) -> Any:
    return import_tensorflow().dtypes.as_dtype(spec.dtype).as_numpy_dtype


def _items(arrays: Mapping[str, np.ndarray[Any, Any]], specs: tuple[TensorSpec, ...]) -> int | None:
    counts = {spec.name: len(arrays[spec.name]) for spec in specs if spec.shape}
    if len(set(counts.values())) > 1:
        raise BadInput(f"inputs of different lengths: {counts}")
    return next(iter(counts.values()), None)


def _slice(
    array: np.ndarray[Any, Any], spec: TensorSpec, start: int, count: int, fixed: int | None
) -> np.ndarray[Any, Any]:
    import numpy as np

    if not spec.shape:
        return array
    part = array[start : start + count]
    if fixed is None or count == fixed or count == 0:
        return part
    return np.concatenate([part, np.repeat(part[-1:], fixed - count, axis=0)])


def _run(
    function: Any, arrays: Mapping[str, np.ndarray[Any, Any]], signature: Signature
) -> dict[str, np.ndarray[Any, Any]]:
    tf = import_tensorflow()
    feeds = {
        spec.name: tf.constant(arrays[spec.name], dtype=tf.dtypes.as_dtype(spec.dtype))
        for spec in signature.inputs
    }
    outputs = function(**feeds)
    return {spec.name: outputs[spec.name].numpy() for spec in signature.outputs}

"""Live objects: a Keras model, a TensorFlow function, any callable with a signature."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from edgewright_converters.errors import UnreadableSource
from edgewright_converters.sources.frameworks import import_tensorflow
from edgewright_converters.sources.graphs import holds_state, op_types
from edgewright_converters.sources.keras_models import source_of_keras3, source_of_tf_keras
from edgewright_converters.sources.names import unique_names
from edgewright_converters.sources.saved_model import named_signature, spec_of
from edgewright_converters.sources.source import Signature, Source
from edgewright_converters.sources.traced import TracedSource
from edgewright_runtimes.records import TensorSpec

Flat = Callable[[Sequence[Any]], Any]  # tensors in the order of the signature -> what it returns


def from_object(obj: Any, *, signature: Sequence[Any] | None = None) -> Source:
    """A source of a live Keras model (Keras 3, tf_keras) or of a traceable callable.

    ``signature`` is a sequence of ``tf.TensorSpec`` or ``records.TensorSpec``, one for each
    argument in order, the first dimension the batch. It may be left out for Keras models that
    know their inputs, and for TensorFlow functions that carry one. Raises ``UnreadableSource``.
    """
    family = _family(obj)
    if signature is None and family == "keras":
        return source_of_keras3(obj)
    if signature is None and family == "tf_keras":
        return source_of_tf_keras(obj)
    if hasattr(obj, "structured_input_signature"):
        return _from_concrete(obj)
    if not callable(obj):
        raise UnreadableSource(
            f"a {type(obj).__name__} is no model: a Keras model or a callable is wanted"
        )
    specs = signature if signature is not None else _own_signature(obj)
    flat: Flat = lambda tensors: obj(*tensors)  # noqa: E731
    if family:  # a subclassed model takes its inputs as one argument
        flat = lambda tensors: obj(  # noqa: E731
            tensors[0] if len(tensors) == 1 else list(tensors), training=False
        )
    return _from_callable(obj, flat, specs)


def _family(obj: Any) -> str:
    """``keras``, ``tf_keras`` or nothing, told without importing either."""
    for base in type(obj).__mro__:
        package = base.__module__.partition(".")[0]
        if package in ("keras", "tf_keras") and base.__name__ == "Model":
            return package
    return ""


def _own_signature(obj: Any) -> Sequence[Any]:
    specs = getattr(obj, "input_signature", None)
    if not specs:
        name = getattr(obj, "__name__", type(obj).__name__)
        raise UnreadableSource(
            f"the callable {name!r} has no signature",
            hint="pass signature=[tf.TensorSpec((None, ...), tf.float32, name='x')]",
        )
    return list(specs)


def _from_concrete(function: Any) -> TracedSource:
    """A ``tf.ConcreteFunction``, for example one signature of a loaded SavedModel."""
    positional, keywords = function.structured_input_signature
    if positional:
        return _from_callable(function, lambda tensors: function(*tensors), list(positional))
    outputs = function.structured_outputs
    if not isinstance(outputs, dict):
        outputs = {"output": outputs}
    signature, input_keys, output_keys = named_signature(keywords, outputs)

    owned = (function, *function.graph.variables)  # a function does not own its variables

    def call(tensors: Mapping[str, Any]) -> dict[str, Any]:
        results = owned[0](**{input_keys[k]: v for k, v in tensors.items()})
        if not isinstance(results, dict):
            results = {"output": results}
        return {clean: results[key] for clean, key in output_keys.items()}

    state = holds_state(op_types(function.graph.as_graph_def()))
    return TracedSource(kind="callable", signature=signature, call=call, stateful=state)


def _from_callable(obj: Any, flat: Flat, specs: Sequence[Any]) -> TracedSource:
    tf = import_tensorflow()
    inputs = _input_records(obj, specs)
    tensor_specs = [
        tf.TensorSpec(spec.shape, tf.dtypes.as_dtype(spec.dtype), name=spec.name) for spec in inputs
    ]
    try:
        traced = tf.function(lambda *tensors: flat(tensors)).get_concrete_function(*tensor_specs)
    except (TypeError, ValueError, AttributeError, tf.errors.OpError) as error:
        name = getattr(obj, "__name__", type(obj).__name__)
        reason = str(error).strip().splitlines()[-1].strip()
        raise UnreadableSource(f"TensorFlow can't trace {name!r}: {reason}") from error
    keys = list(_by_name(traced.structured_outputs))
    names = unique_names(keys, taken=[spec.name for spec in inputs])
    found = _by_name(traced.structured_outputs)
    outputs = tuple(spec_of(name, found[key]) for name, key in zip(names, keys, strict=True))
    # AutoGraph for the user's own code: sources trace with it switched off.
    converted = tf.function(lambda *tensors: flat(tensors))

    def call(tensors: Mapping[str, Any]) -> dict[str, Any]:
        results = _by_name(converted(*(tensors[spec.name] for spec in inputs)))
        return dict(zip(names, (results[key] for key in keys), strict=True))

    return TracedSource(
        kind="callable",
        signature=Signature(inputs=inputs, outputs=outputs),
        call=call,
        stateful=holds_state(op_types(traced.graph.as_graph_def())),
    )


def _input_records(obj: Any, specs: Sequence[Any]) -> tuple[TensorSpec, ...]:
    arguments = _argument_names(obj)
    wanted = []
    for index, spec in enumerate(specs):
        fallback = arguments[index] if index < len(arguments) else f"input_{index}"
        wanted.append(spec.name or fallback)
    records = []
    for name, spec in zip(unique_names(wanted), specs, strict=True):
        if isinstance(spec, TensorSpec):
            records.append(TensorSpec(name=name, dtype=spec.dtype, shape=spec.shape))
        else:
            records.append(spec_of(name, spec))
    return tuple(records)


def _argument_names(obj: Any) -> list[str]:
    try:
        parameters = inspect.signature(obj).parameters.values()
    except (TypeError, ValueError):
        return []
    plain = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return [parameter.name for parameter in parameters if parameter.kind in plain]


def _by_name(results: Any) -> dict[str, Any]:
    """Outputs by name: the keys of a dict, else ``output``, or ``output_0``, ``output_1``."""
    if isinstance(results, Mapping):
        return dict(results)
    if isinstance(results, (list, tuple)):
        return {f"output_{index}": value for index, value in enumerate(results)}
    return {"output": results}

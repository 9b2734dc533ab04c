"""A Keras model, of Keras 3 or of tf_keras, as a source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from edgewright_converters.errors import UnreadableSource
from edgewright_converters.sources.mixed_precision import (
    NOTE,
    computing_in_float32,
    in_float32,
    narrow_layers,
)
from edgewright_converters.sources.names import unique_names
from edgewright_converters.sources.source import Signature
from edgewright_converters.sources.traced import TracedSource
from edgewright_runtimes.records import TensorSpec


def source_of_keras3(model: Any, *, named_like: Signature | None = None) -> TracedSource:
    """Raises ``UnreadableSource`` for a model that never saw its inputs.

    ``named_like`` is a signature whose names to take over, in the same order.
    """
    from edgewright_converters.sources.frameworks import import_keras

    keras = import_keras()
    return _source(
        model, keras, keras.tree, kind="keras3", named_like=named_like, narrow=narrow_layers(model)
    )


def source_of_tf_keras(model: Any) -> TracedSource:
    """Raises ``UnreadableSource`` for a model that never saw its inputs."""
    from edgewright_converters.sources.frameworks import import_tensorflow, import_tf_keras

    return _source(model, import_tf_keras(), import_tensorflow().nest, kind="tf_keras")


def _source(
    model: Any,
    keras: Any,
    tree: Any,
    *,
    kind: str,
    named_like: Signature | None = None,
    narrow: Sequence[Any] = (),
) -> TracedSource:
    inputs = _tensors(model, "inputs")
    structure = _structure(model, "inputs")
    outputs = _tensors(model, "outputs")
    signature = _signature(model, inputs, outputs)
    if narrow:
        signature = in_float32(signature)
    if named_like is not None:
        signature = _named_like(signature, named_like)
    input_names = [spec.name for spec in signature.inputs]
    output_names = [spec.name for spec in signature.outputs]

    def call(tensors: Mapping[str, Any]) -> dict[str, Any]:
        flat = [tensors[name] for name in input_names]
        fed = flat[0] if structure is None else tree.pack_sequence_as(structure, flat)
        with computing_in_float32(narrow):
            results = tree.flatten(model(fed, training=False))
        return dict(zip(output_names, results, strict=True))

    return TracedSource(
        kind=kind,
        signature=signature,
        call=call,
        stateful=any(isinstance(layer, keras.layers.RNN) for layer in model._flatten_layers()),
        notes=(NOTE,) if narrow else (),
        keras_model=model if kind == "keras3" else None,
    )


def _tensors(model: Any, side: str) -> list[Any]:
    try:
        tensors = getattr(model, side)
    except (AttributeError, ValueError):
        tensors = None
    if not tensors:
        raise UnreadableSource(
            f"the model {model.name!r} was never built: its {side} are not known",
            hint="call it once on data, or pass from_object(model, signature=[tf.TensorSpec(...)])",
        )
    return list(tensors)


def _structure(model: Any, side: str) -> Any:
    """How the model takes its inputs: ``None`` for one tensor, else a list or a dict of them."""
    for name in (f"_{side}_struct", f"_nested_{side}"):
        structure = getattr(model, name, None)
        if structure is not None:
            return structure if isinstance(structure, (list, tuple, dict)) else None
    return None


def _signature(model: Any, inputs: Sequence[Any], outputs: Sequence[Any]) -> Signature:
    names = unique_names(_side_names(_structure(model, "inputs"), inputs))
    specs = tuple(_spec(name, tensor) for name, tensor in zip(names, inputs, strict=True))
    taken = unique_names(_side_names(_structure(model, "outputs"), outputs), taken=names)
    return Signature(
        inputs=specs,
        outputs=tuple(_spec(name, tensor) for name, tensor in zip(taken, outputs, strict=True)),
    )


def _named_like(signature: Signature, other: Signature) -> Signature:
    sides = ((signature.inputs, other.inputs), (signature.outputs, other.outputs))
    inputs, outputs = (
        tuple(replace(spec, name=model.name) for spec, model in zip(*side, strict=True))
        for side in sides
    )
    return Signature(inputs=inputs, outputs=outputs)


def _side_names(structure: Any, tensors: Sequence[Any]) -> list[str]:
    """The keys of a dict of tensors; else the name of the layer that made each."""
    if isinstance(structure, dict) and len(structure) == len(tensors):
        return sorted(structure)  # the order in which both trees flatten a dict
    return [_layer_name(tensor) for tensor in tensors]


def _layer_name(tensor: Any) -> str:
    history = getattr(tensor, "_keras_history", None)
    maker = getattr(history, "operation", None) or getattr(history, "layer", None)
    return str(maker.name if maker is not None else tensor.name)


def _spec(name: str, tensor: Any) -> TensorSpec:
    if getattr(tensor, "sparse", False) or getattr(tensor, "ragged", False):
        raise UnreadableSource(f"{name!r} is a sparse or ragged tensor; only dense ones convert")
    dtype = tensor.dtype if isinstance(tensor.dtype, str) else tensor.dtype.name
    return TensorSpec(name=name, dtype=dtype, shape=tuple(tensor.shape))

"""A Keras-2 model brought over to Keras 3: rebuilt layer by layer, compared before it is used.

The graph that tf_keras loaded is replayed with Keras 3's layers and operations, the weights are
copied, and both models run on the same random input. Only one that answers the same counts.
That matters for files which Keras 3 reads by itself too: its ``hard_sigmoid``, for one, is
another function than Keras 2's, and nothing says so.
"""

from __future__ import annotations

from typing import Any

from edgewright_converters.sources.frameworks import (
    import_keras,
    import_tensorflow,
    import_tf_keras,
)
from edgewright_converters.sources.keras2_layers import Untranslatable, copy_weights, translate
from edgewright_converters.sources.keras2_ops import apply_operation
from edgewright_converters.sources.keras_models import source_of_keras3
from edgewright_converters.sources.likeness import difference
from edgewright_converters.sources.traced import TracedSource


def settle(
    version: str, model: Any, keras2: TracedSource, keras3: TracedSource | Exception
) -> TracedSource:
    """The Keras 3 source that answers like ``keras2``; else ``keras2`` with the reason noted.

    ``model`` is the tf_keras model behind ``keras2``; ``keras3`` is what Keras 3 itself made of
    the same file, or why it could not.
    """
    who = f"Keras {version or '2'}"
    if isinstance(keras3, TracedSource) and not difference(keras2, keras3):
        return keras3.with_note(f"saved by {who}, read by Keras 3 with the same outputs")
    try:
        rebuilt = source_of_keras3(rebuild(model), named_like=keras2.signature)
        problem = difference(keras2, rebuilt)
    except Exception as error:  # Keras may raise anything; the tf_keras model still works
        problem = str(error) if isinstance(error, Untranslatable) else _short(error)
    if problem:
        return keras2.with_note(f"saved by {who}, kept in tf_keras: {problem}")
    return rebuilt.with_note(f"saved by {who}, brought over to Keras 3 with the same outputs")


def _short(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:160]}"


def rebuild(model: Any) -> Any:
    """The Keras 3 model of a functional or sequential tf_keras ``model``, with its weights.

    Raises ``Untranslatable`` with the layer and the reason.
    """
    return _Rebuild().model(model)


class _Kept(list[Any]):
    """tf_keras pops a tensor for each use it counted; this one stays."""

    def pop(self, _index: Any = -1) -> Any:
        return self[0]


class _Rebuild:
    """One run: a layer that is used twice becomes one Keras 3 layer that is used twice."""

    def __init__(self) -> None:
        self._tf = import_tensorflow()
        self._keras = import_keras()
        self._tf_keras = import_tf_keras()
        self._layers: dict[int, Any] = {}

    def model(self, model: Any) -> Any:
        if not getattr(model, "_is_graph_network", False):
            raise Untranslatable(f"{type(model).__name__} {model.name!r} is no graph of layers")
        tensors = {str(id(tensor)): _Kept([self._input(tensor)]) for tensor in model.inputs}
        for depth in sorted(model._nodes_by_depth, reverse=True):
            for node in model._nodes_by_depth[depth]:
                if not node.is_input:
                    results = self._tf.nest.flatten(self._call(node, tensors))
                    for key, value in zip(node.flat_output_ids, results, strict=True):
                        tensors[str(key)] = _Kept([value])
        inputs, outputs = (
            self._tf.nest.map_structure(lambda tensor: tensors[str(id(tensor))][0], nested)
            for nested in (model._nested_inputs, model._nested_outputs)
        )
        return self._keras.Model(inputs, outputs, name=model.name)

    def _input(self, tensor: Any) -> Any:
        return self._keras.Input(
            batch_shape=tuple(tensor.shape),
            dtype=tensor.dtype.name,
            name=tensor._keras_history.layer.name,
        )

    def _call(self, node: Any, tensors: dict[str, _Kept]) -> Any:
        args, kwargs = node.map_arguments(tensors)
        kwargs = {key: value for key, value in kwargs.items() if key != "training"}
        layer = node.layer
        if type(layer).__name__ in ("TFOpLambda", "SlicingOpLambda"):
            return apply_operation(layer, args, kwargs)
        translated = self._layer(layer)
        if isinstance(layer, self._tf_keras.layers.RNN) and isinstance(args[0], (list, tuple)):
            # Keras 2 hangs the initial state onto the input.
            args, kwargs = (args[0][0],), {**kwargs, "initial_state": list(args[0][1:])}
        result = translated(*args, **kwargs)
        if not hasattr(layer, "_nodes_by_depth"):
            copy_weights(layer, translated)
        return result

    def _layer(self, layer: Any) -> Any:
        if id(layer) not in self._layers:
            nested = hasattr(layer, "_nodes_by_depth")
            self._layers[id(layer)] = self.model(layer) if nested else translate(layer)
        return self._layers[id(layer)]

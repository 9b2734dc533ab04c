"""From a flat graph back to a Functional model, with layers changed, replaced or left out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from edgewright_converters.compression.graph.flat import Graph, Node, Ref, flatten

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


class LeftOut:
    """In place of a layer: its first tensor is handed on as it is."""


LEFT_OUT = LeftOut()


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """A layer made from its own configuration with some entries, or all its weights, replaced.

    ``config`` entries replace those of ``layer.get_config()``; ``weights`` are the list that
    ``layer.set_weights`` takes, ``None`` to keep the old ones (shapes must then be as before).
    """

    config: Mapping[str, Any]
    weights: Sequence[Array] | None = None


Change = Changed | LeftOut | Any  # Any: another layer or operation, to be called in its place
AfterCall = Callable[[Node, Any], Any]


def build(
    graph: Graph,
    changes: Mapping[str, Change] | None = None,
    *,
    after: AfterCall | None = None,
    name: str | None = None,
) -> Any:
    """A new Keras model with its own layers; the graph's model is not touched.

    ``changes`` are by node name. ``after`` may wrap what a node gives out: it takes the node and
    the tensor (or the tensors, as the call gave them) and returns what its consumers get instead.
    """
    import keras

    changes = changes or {}
    made = _Layers(changes)
    tensors: dict[Ref, Any] = {}
    given: dict[int, Any] = {}  # as they come in, before ``after`` has wrapped them
    for place, node in enumerate(graph.nodes):
        result = made.call(node, tensors, is_input=place in graph.inputs)
        if place in graph.inputs:
            given[place] = result
        if after is not None:
            result = after(node, result)
        for index, tensor in enumerate(keras.tree.flatten(result)):
            tensors[Ref(place, index)] = tensor
    inputs = keras.tree.pack_sequence_as(
        graph.input_structure, [given[place] for place in graph.inputs]
    )
    outputs = keras.tree.pack_sequence_as(
        graph.output_structure, [tensors[ref] for ref in graph.outputs]
    )
    model = keras.Model(inputs, outputs, name=name or graph.name)
    made.set_weights()
    return model


def copy_model(model: Any) -> Any:
    """The same function in layers of its own, nested models taken apart."""
    return build(flatten(model))


class _Layers:
    """One new layer for each of the graph's, however often it is called."""

    def __init__(self, changes: Mapping[str, Change]) -> None:
        self._changes = changes
        self._made: dict[str, Any] = {}
        self._weights: list[tuple[Any, Sequence[Array]]] = []

    def call(self, node: Node, tensors: Mapping[Ref, Any], *, is_input: bool) -> Any:
        import keras

        if is_input and node.name not in self._changes:
            return _new_input(node)
        if node.name not in self._made:
            self._made[node.name] = self._make(node)
        layer = self._made[node.name]
        if layer is LEFT_OUT:
            return tensors[node.refs[0]]
        args, kwargs = keras.tree.map_structure(
            lambda leaf: tensors[leaf] if isinstance(leaf, Ref) else leaf,
            (node.args, dict(node.kwargs)),
        )
        return layer(*args, **kwargs)

    def set_weights(self) -> None:
        """Once the layers are built, by their calls."""
        for layer, weights in self._weights:
            layer.set_weights(list(weights))

    def _make(self, node: Node) -> Any:
        import keras

        change = self._changes.get(node.name)
        if change is not None and not isinstance(change, Changed):
            return change
        if not isinstance(node.layer, keras.layers.Layer):
            return node.layer  # an operation of keras.ops: it has no weights of its own
        config = {**node.layer.get_config(), "name": node.name}
        weights: Sequence[Array] | None = None
        if isinstance(change, Changed):
            config.update(change.config)
            weights = change.weights
        layer = type(node.layer).from_config(config)
        self._weights.append((layer, node.layer.get_weights() if weights is None else weights))
        return layer


def _new_input(node: Node) -> Any:
    import keras

    return keras.Input(
        batch_shape=node.layer.batch_shape, dtype=node.layer.dtype, name=node.layer.name
    )

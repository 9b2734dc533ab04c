"""The model without the units that are not kept: layers narrowed, weights sliced, graph rebuilt."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from edgewright_converters.compression.graph.build import Changed, build
from edgewright_converters.compression.graph.flat import Node

if TYPE_CHECKING:
    from edgewright_converters.compression.channels.analysis import Analysis, Keep


def cut(analysis: Analysis, keep: Keep) -> Any:
    """A new model; ``keep`` is [units], true for what stays. The graph's model is not touched."""
    changes: dict[str, Any] = {}
    for node in analysis.graph.layers():
        change = _change(analysis, node, keep)
        if change is not None:
            changes[node.name] = change
    return build(analysis.graph, changes)


def weights_kept(analysis: Analysis, node: Node, keep: Keep) -> list[Any] | None:
    """The layer's weights without what goes; ``None`` where all of them stay as they are."""
    axes = [held for held in analysis.weights.get(node.name, ()) if not keep[held.ids].all()]
    if not axes:
        return None
    weights = node.layer.get_weights()
    for held in axes:
        weights[held.index] = weights[held.index].compress(keep[held.ids], axis=held.axis)
    return list(weights)


def _change(analysis: Analysis, node: Node, keep: Keep) -> Any:
    if node.name in analysis.reshaped:
        return _reshape(analysis, node, keep)
    weights = weights_kept(analysis, node, keep)
    if weights is None:
        return None
    config: Mapping[str, int] = {}
    if node.name in analysis.makers:
        entry, units = analysis.makers[node.name]
        config = {entry: int(keep[units].sum())}
    return Changed(config=config, weights=weights)


def _reshape(analysis: Analysis, node: Node, keep: Keep) -> Any:
    import keras

    shape, lanes = analysis.reshaped[node.name]
    if keep[lanes.ids].all():
        return None
    narrowed = list(shape)
    narrowed[lanes.axis - 1] = int(keep[lanes.ids].sum())
    if isinstance(node.layer, keras.layers.Layer):
        return Changed(config={"target_shape": tuple(narrowed)})
    return keras.layers.Reshape(tuple(narrowed), name=node.name)

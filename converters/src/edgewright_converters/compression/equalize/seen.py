"""The greatest magnitude of every channel that a model's tensors reach on data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from edgewright_converters.compression.equalize.spaces import Space
from edgewright_converters.compression.graph.build import build
from edgewright_converters.compression.graph.flat import Ref, flatten
from edgewright_converters.compression.qat.calibrate import chosen_items
from edgewright_converters.compression.scores import feeds, flat_outputs
from edgewright_converters.compression.training.feeding import check_items

if TYPE_CHECKING:
    import numpy as np

    from edgewright_converters.compression.context import Items

    Array = np.ndarray[Any, Any]

_BATCH = 64


def greatest_values(
    model: Any, spaces: Sequence[Space], items: Items, count: int, seed: int
) -> list[Array]:
    """One array [channels] for each space, over at most ``count`` random ``items``.

    ``spaces`` are of a graph that ``model`` has, too. Raises ``BadInput`` where the data does not
    fit the model.
    """
    import keras
    import numpy as np

    check_items(model, items)
    graph = flatten(model)
    takers = [[graph.nodes[place].refs[0] for place in space.takers] for space in spaces]
    wanted = list(dict.fromkeys(ref for refs in takers for ref in refs))
    tensors: dict[Ref, Any] = {}
    places = iter(range(len(graph.nodes)))

    def keep(_: Any, result: Any) -> Any:
        place = next(places)
        for index, tensor in enumerate(keras.tree.flatten(result)):
            tensors[Ref(place, index)] = tensor
        return result

    copy = build(graph, after=keep)
    watched = keras.Model(copy.inputs, [tensors[ref] for ref in wanted])
    arrays = chosen_items(items, count, seed)
    found: dict[Ref, Array] = {}
    for start in range(0, len(next(iter(arrays.values()))), _BATCH):
        fed = feeds(watched, {n: a[start : start + _BATCH] for n, a in arrays.items()})
        for ref, values in zip(wanted, flat_outputs(watched, fed), strict=True):
            most = np.abs(values).reshape(-1, values.shape[-1]).max(axis=0)
            found[ref] = np.maximum(found[ref], most) if ref in found else most
    return [
        np.max([found[ref].reshape(-1, space.channels).max(axis=0) for ref in refs], axis=0)
        for space, refs in zip(spaces, takers, strict=True)
    ]

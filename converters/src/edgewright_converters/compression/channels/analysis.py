"""Which channels of a model can be removed together, and which must stay and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from edgewright_converters.compression.channels import rules
from edgewright_converters.compression.channels.walk import Lanes, Walk, WeightAxis
from edgewright_converters.compression.graph.flat import Graph, Node

if TYPE_CHECKING:
    import numpy as np

    from edgewright_converters.compression.channels.units import Ids

    Keep = np.ndarray[Any, np.dtype[np.bool_]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Space:
    """Units that the same layers make: widths are chosen for spaces, units ranked within one.

    ``units`` may be removed, ``pinned`` others of the same layers may not.
    """

    layers: tuple[str, ...]
    units: tuple[int, ...]
    pinned: int = 0

    @property
    def name(self) -> str:
        return "+".join(self.layers)

    @property
    def width(self) -> int:
        return len(self.units) + self.pinned


@dataclass(frozen=True, slots=True, kw_only=True)
class Analysis:
    """``ids`` are numbers of units: all that a unit's number stands on goes when the unit goes."""

    graph: Graph
    count: int
    pins: Mapping[int, str]
    weights: Mapping[str, tuple[WeightAxis, ...]]  # by layer
    makers: Mapping[str, tuple[str, Ids]]  # the entry of the config that counts them, the units
    reshaped: Mapping[str, tuple[tuple[int, ...], Lanes]]
    refused: Mapping[str, str]  # why a layer's channels, and those that go into it, stay
    spaces: tuple[Space, ...]

    def keep_all(self) -> Keep:
        import numpy as np

        return np.ones(self.count, bool)


def analyse(graph: Graph) -> Analysis:
    """Follow the channels of every call. Nothing fails: what can't be followed is pinned."""
    walk = Walk(graph)
    for place, node in enumerate(graph.nodes):
        if getattr(node.layer, "weights", ()) and not node.layer.trainable:
            walk.refuse(place, "its weights are frozen (trainable is False)")
        else:
            walk.follow(place, _rule(node))
    for ref in graph.outputs:
        walk.pin(ref, "it is an output of the model")
    units, pins = walk.units.numbered()
    makers = {name: (entry, units[ids]) for name, (entry, ids) in walk.makers.items()}
    return Analysis(
        graph=graph,
        count=int(units.max(initial=-1)) + 1,
        pins=pins,
        weights={
            name: tuple(replace(held, ids=units[held.ids]) for held in axes.values())
            for name, axes in walk.weights.items()
        },
        makers=makers,
        reshaped={
            name: (shape, Lanes(axis=lanes.axis, ids=units[lanes.ids]))
            for name, (shape, lanes) in walk.reshaped.items()
        },
        refused=walk.refused,
        spaces=_spaces(makers, pins),
    )


def _rule(node: Node) -> rules.Rule | None:
    """Keras' own kinds only: a subclass may do anything, whatever its name."""
    import keras

    module = type(node.layer).__module__
    if not module.startswith("keras.src."):
        return None
    if isinstance(node.layer, keras.layers.Layer):
        return rules.LAYERS.get(node.kind)
    return rules.OPERATIONS.get(node.kind)


def _spaces(makers: Mapping[str, tuple[str, Ids]], pins: Mapping[int, str]) -> tuple[Space, ...]:
    made_by: dict[int, dict[str, None]] = {}
    for name, (_, units) in makers.items():
        for unit in units.tolist():
            made_by.setdefault(unit, {})[name] = None
    grouped: dict[tuple[str, ...], list[int]] = {}
    for unit, names in made_by.items():
        grouped.setdefault(tuple(names), []).append(unit)
    return tuple(
        Space(
            layers=names,
            units=tuple(unit for unit in units if unit not in pins),
            pinned=sum(unit in pins for unit in units),
        )
        for names, units in grouped.items()
    )

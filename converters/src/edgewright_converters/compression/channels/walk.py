"""The walk over a flat graph: which axis of each tensor has channels, and which weights hold them.

A rule (``rules``) sees one call and says with which channels its tensors and weights go on. What
a rule refuses, and every layer without one, pins the channels it takes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from edgewright_converters.compression.channels.units import Units
from edgewright_converters.compression.graph.flat import Graph, Node, Ref

if TYPE_CHECKING:
    from edgewright_converters.compression.channels.units import Ids


class Refused(Exception):
    """A call that no rule can follow; the message says why, for the list of what was skipped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lanes:
    """A tensor's channels: ``ids`` [channels] along ``axis``, the batch being axis 0."""

    axis: int
    ids: Ids


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightAxis:
    """``ids`` along ``axis`` of the weight at place ``index`` of the layer's.

    ``makes``: this part of the weight makes its channel (a kernel's output, a bias, gamma); else
    it takes it in.
    """

    index: int
    axis: int
    ids: Ids
    makes: bool


class Walk:
    """What the rules write into; one for one graph."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.units = Units()
        self.weights: dict[str, dict[tuple[int, int], WeightAxis]] = {}
        self.makers: dict[str, tuple[str, Ids]] = {}  # the entry of the config, and its channels
        self.reshaped: dict[str, tuple[tuple[int, ...], Lanes]] = {}  # shape without the batch
        self.refused: dict[str, str] = {}
        self._lanes: dict[Ref, Lanes | None] = {}

    def lanes(self, node: Node, place: int = 0) -> Lanes:
        """Of the tensor the call takes at ``place``. Raises ``Refused`` where none are known."""
        known = self._lanes[node.refs[place]]
        if known is None:
            raise Refused("it takes a tensor whose channels are not counted")
        return known

    def taken_on(self, node: Node, axis: int) -> Ids:
        """The channels of the call's tensor, which must lie on ``axis`` (it may be negative)."""
        lanes = self.lanes(node)
        if lanes.axis != axis % len(self.shape_taken(node)):
            raise Refused(f"it works along axis {axis}, where its tensor has no channels")
        return lanes.ids

    def shape_taken(self, node: Node, place: int = 0) -> tuple[int | None, ...]:
        ref = node.refs[place]
        return self.graph.nodes[ref.node].shapes[ref.index]

    def hold(self, node: Node, weight: Any, axis: int, ids: Ids, *, makes: bool) -> None:
        """The layer's ``weight`` has ``ids`` along ``axis``; a shared layer ties its calls."""
        index = next((i for i, w in enumerate(node.layer.weights) if w is weight), None)
        if index is None:
            raise Refused("its weights are not its own (LoRA, or another layer's)")
        held = self.weights.setdefault(node.name, {})
        if (index, axis) in held:
            self.units.tie(held[index, axis].ids, ids)
        else:
            held[index, axis] = WeightAxis(index=index, axis=axis, ids=ids, makes=makes)

    def make(self, node: Node, entry: str, count: int) -> Ids:
        """The channels that a layer makes, the same at each of its calls."""
        if node.name not in self.makers:
            self.makers[node.name] = entry, self.units.fresh(count)
        return self.makers[node.name][1]

    def reshape(self, node: Node, shape: tuple[int, ...], lanes: Lanes) -> None:
        if node.name in self.reshaped:
            earlier, known = self.reshaped[node.name]
            if earlier != shape or known.axis != lanes.axis:
                raise Refused("it is called on several shapes")
            self.units.tie(known.ids, lanes.ids)
        self.reshaped.setdefault(node.name, (shape, lanes))

    def follow(self, place: int, rule: Any) -> None:
        """One call; ``rule`` is ``None`` where there is none for its kind."""
        node = self.graph.nodes[place]
        try:
            if node.name in self.refused:  # at an earlier call
                raise Refused(self.refused[node.name])
            if rule is None:
                raise Refused(f"prune-channels does not know {node.kind}")
            self._lanes[Ref(place)] = rule(self, node)
            self._check_weights(node)
        except Refused as e:
            self.refuse(place, str(e))

    def refuse(self, place: int, reason: str) -> None:
        """What the call takes is pinned; what it gives out has channels of its own, pinned."""
        node = self.graph.nodes[place]
        if node.refs:
            self.refused.setdefault(node.name, reason)
        why = f"it goes into {node.name!r}: {reason}"
        for ref in node.refs:
            self.pin(ref, why)
        for index, shape in enumerate(node.shapes):
            self._lanes[Ref(place, index)] = self._pinned(shape, f"it comes from {node.name!r}")
        held: Mapping[Any, WeightAxis] = self.weights.pop(node.name, {})
        for weight in held.values():  # of an earlier call, or of a rule that stopped half way
            self.units.pin(weight.ids, f"{node.name!r}: {reason}")
        if node.name in self.makers:
            self.units.pin(self.makers.pop(node.name)[1], f"{node.name!r}: {reason}")

    def pin(self, ref: Ref, reason: str) -> None:
        lanes = self._lanes[ref]
        if lanes is not None:
            self.units.pin(lanes.ids, reason)

    def _check_weights(self, node: Node) -> None:
        """A weight that the rule did not see (quantization scales) could not be cut with it."""
        seen = {held.index for held in self.weights.get(node.name, {}).values()}
        for index, weight in enumerate(getattr(node.layer, "weights", ())):
            if index not in seen and any(size != 1 for size in weight.shape):
                raise Refused(f"it has a weight of its own, {weight.name}")

    def _pinned(self, shape: tuple[int | None, ...], reason: str) -> Lanes | None:
        if len(shape) < 2 or shape[-1] is None:
            return None
        ids = self.units.fresh(shape[-1])
        self.units.pin(ids, reason)
        return Lanes(axis=len(shape) - 1, ids=ids)

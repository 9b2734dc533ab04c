"""Which tensors must be scaled together, who makes them and who takes them.

Between the layers that make and take a tensor's channels stand only calls that scale with what
they are given (f(s x) = s f(x) for s > 0): ReLU and its like, pooling, padding, addition.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from edgewright_converters.compression.fold import LINEAR, is_plain
from edgewright_converters.compression.graph.flat import Graph, Node, Ref
from edgewright_converters.compression.qat.roles import activation_of, inner_activation

HOMOGENEOUS = ("linear", "relu", "leaky_relu")
_PASSING = (
    *("Dropout", "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D", "Identity", "PReLU"),
    *("MaxPooling1D", "MaxPooling2D", "MaxPooling3D", "GlobalMaxPooling1D", "GlobalMaxPooling2D"),
    *("AveragePooling1D", "AveragePooling2D", "AveragePooling3D", "GlobalMaxPooling3D"),
    *("GlobalAveragePooling1D", "GlobalAveragePooling2D", "GlobalAveragePooling3D"),
    *("ZeroPadding1D", "ZeroPadding2D", "ZeroPadding3D", "Cropping1D", "Cropping2D", "Cropping3D"),
    *("UpSampling1D", "UpSampling2D", "UpSampling3D", "Flatten"),
)
_MEETING = ("Add", "Subtract", "Average", "Maximum", "Minimum")


@dataclass(kw_only=True)
class Space:
    """Tensors whose channels have one scale. ``makers`` and ``takers`` are places of layers."""

    channels: int
    makers: list[int] = field(default_factory=list)
    takers: list[int] = field(default_factory=list)
    refs: list[Ref] = field(default_factory=list)
    blocked: str = ""  # why it is left alone; the first reason found

    def block(self, reason: str) -> None:
        self.blocked = self.blocked or reason


def find_spaces(graph: Graph) -> tuple[Space, ...]:
    """In the order of the graph, those that are left alone too. ``graph`` is of a folded model."""
    finder = _Finder(graph)
    for place in range(len(graph.nodes)):
        finder.visit(place)
    for ref in graph.outputs:
        finder.of(ref).block("it is an output of the model")
    return finder.found()


class _Finder:
    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._of: dict[Ref, Space] = {}

    def of(self, ref: Ref) -> Space:
        return self._of[ref]

    def found(self) -> tuple[Space, ...]:
        spaces = {id(space): space for space in self._of.values()}
        return tuple(space for space in spaces.values() if space.makers or space.takers)

    def visit(self, place: int) -> None:
        node = self._graph.nodes[place]
        if not node.refs:
            self._make(place).block("it is an input of the model")
        elif node.kind in LINEAR:
            self._visit_linear(place)
        elif self._passes(node):
            self._join(Ref(place), self._of[node.refs[0]])
        elif node.kind in _MEETING and self._alike(node):
            self._meet(place)
        else:
            self._block(place, _reason(node))

    def _visit_linear(self, place: int) -> None:
        node, graph = self._graph.nodes[place], self._graph
        taken, made = self._of[node.refs[0]], self._make(place)
        taken.takers.append(place)
        made.makers.append(place)
        reason = ""
        if len(graph.calls(node.layer)) > 1:
            reason = f"{node.name} is called more than once"
        elif not node.layer.trainable:
            reason = f"{node.name} is frozen"
        elif not is_plain(node.layer) or not _channels_last(node):
            reason = f"{node.name} has no plain weights with the channels last"
        if reason:
            taken.block(reason)
            made.block(reason)
        name = inner_activation(node.layer)
        if name not in HOMOGENEOUS:
            made.block(_not_homogeneous(node.name, name))

    def _make(self, place: int) -> Space:
        """New channels of their own."""
        for index, shape in enumerate(self._graph.nodes[place].shapes):
            space = Space(channels=(shape[-1] or 0) if shape else 0)
            self._join(Ref(place, index), space)
        return self._of[Ref(place)]

    def _join(self, ref: Ref, space: Space) -> None:
        self._of[ref] = space
        space.refs.append(ref)

    def _passes(self, node: Node) -> bool:
        if len(node.refs) != 1:
            return False
        known = node.kind in _PASSING and _channels_last(node)
        return known or activation_of(node) in HOMOGENEOUS

    def _alike(self, node: Node) -> bool:
        """Tensors of one shape, none of them flattened on the way and none a constant."""
        shapes = {self._graph.nodes[ref.node].shapes[ref.index] for ref in node.refs}
        whole = all(self._of[ref].channels == shape[-1] for ref in node.refs for shape in shapes)
        return len(node.refs) > 1 and len(shapes) == 1 and whole

    def _meet(self, place: int) -> None:
        node = self._graph.nodes[place]
        first = self._of[node.refs[0]]
        for ref in node.refs[1:]:
            self._unite(first, self._of[ref])
        self._join(Ref(place), first)

    def _unite(self, one: Space, other: Space) -> None:
        if one is other:
            return
        one.makers += other.makers
        one.takers += other.takers
        if other.blocked:
            one.block(other.blocked)
        for ref in other.refs:
            self._join(ref, one)

    def _block(self, place: int, reason: str) -> None:
        for ref in self._graph.nodes[place].refs:
            self._of[ref].block(reason)
        self._make(place).block(reason)
        for index in range(1, len(self._graph.nodes[place].shapes)):
            self._of[Ref(place, index)].block(reason)


def _reason(node: Node) -> str:
    name = activation_of(node)
    if name:
        return _not_homogeneous(node.name, name)
    return f"{node.name} ({node.kind}) need not scale with what it is given"


def _not_homogeneous(layer: str, name: str) -> str:
    advice = '; relu6 = "relu" makes it one that is' if name == "relu6" else ""
    return f"the activation {name} of {layer} is not positively homogeneous{advice}"


def _channels_last(node: Node) -> bool:
    return getattr(node.layer, "data_format", None) != "channels_first"

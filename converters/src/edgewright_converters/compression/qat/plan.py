"""Which tensors of a graph are integers in the artifacts, and which of them share one range."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from edgewright_converters.compression.graph.flat import Graph, Ref
from edgewright_converters.compression.qat.roles import (
    FIXED,
    FUSED,
    Role,
    activation_of,
    inner_activation,
    role,
)
from edgewright_runtimes.records import Skipped

BEFORE = ":linear"  # names what a layer computes before an activation that no kernel fuses


@dataclass(frozen=True, kw_only=True)
class Plan:
    """``names`` has the range of every integer tensor; those of one ``group`` are one range.

    A range's name is that of the layer that makes the tensor (``conv``; ``relu#1`` of a layer's
    second call), with ``BEFORE`` after it for what the layer computes before its activation.
    """

    graph: Graph
    roles: tuple[Role, ...]
    names: Mapping[Ref, str]
    groups: Mapping[str, str]
    fixed: Mapping[str, tuple[float, float]]  # by group
    observed: frozenset[str]  # the others hold values that another one of their group holds
    passed: frozenset[Ref]  # the very tensor that came in
    skipped: tuple[Skipped, ...]

    def range_of(self, ref: Ref) -> str | None:
        """The group of an integer tensor; ``None`` of one in float."""
        name = self.names.get(ref)
        return None if name is None else self.groups[name]

    def is_integer(self, place: int) -> bool:
        """Whether a linear layer computes in integers: what it takes is an integer tensor."""
        return self.roles[place] == "linear" and self.graph.nodes[place].refs[0] in self.names

    def is_table_output(self, place: int) -> bool:
        """Whether a call makes one of the model's outputs by a runtime's table: probabilities."""
        name = self.names.get(Ref(place))
        return name is not None and self.graph.is_output(place) and self.groups[name] in self.fixed

    def before(self, place: int) -> str | None:
        """The range of what a linear layer computes before an activation of its own."""
        if not self.is_integer(place):
            return None
        return f"{self.graph.nodes[place].name}{BEFORE}" if self._unfused(place) else None

    def _unfused(self, place: int) -> bool:
        name = inner_activation(self.graph.nodes[place].layer)
        return name not in (*FUSED, "linear")

    @cached_property
    def members(self) -> Mapping[str, tuple[str, ...]]:
        """The observed ranges of each group."""
        found: dict[str, list[str]] = {}
        for name, group in self.groups.items():
            found.setdefault(group, [])
            if name in self.observed:
                found[group].append(name)
        return {group: tuple(names) for group, names in found.items()}


def call_name(graph: Graph, place: int) -> str:
    node = graph.nodes[place]
    calls = graph.calls(node.layer)
    return node.name if len(calls) == 1 else f"{node.name}#{calls.index(place)}"


def make_plan(graph: Graph) -> Plan:
    """``graph`` is of a folded model. The same graph gives the same plan, names included."""
    return _Planner(graph).plan()


class _Planner:
    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.roles = tuple(role(graph, place) for place in range(len(graph.nodes)))
        self.names: dict[Ref, str] = {}
        self.parents: dict[str, str] = {}
        self.fixed: dict[str, tuple[float, float]] = {}
        self.observed: set[str] = set()
        self.passed: set[Ref] = set()

    def plan(self) -> Plan:
        known = -1
        while known != len(self.names):  # a demand may name what an earlier call passed on
            known = len(self.names)
            for place in range(len(self.graph.nodes)):
                self._visit(place)
        self._tie_shared()
        groups = {name: self._root(name) for name in self.parents}
        return Plan(
            graph=self.graph,
            roles=self.roles,
            names=dict(self.names),
            groups=groups,
            fixed={self._root(name): bounds for name, bounds in self.fixed.items()},
            observed=frozenset(self.observed),
            passed=frozenset(self.passed),
            skipped=self._skipped(),
        )

    def _visit(self, place: int) -> None:
        node, kind, ref = self.graph.nodes[place], self.roles[place], Ref(place)
        if kind == "linear":
            if self._demand(node.refs[0]):
                self._visit_linear(place)
        elif kind in ("own", "fixed"):
            if all([self._demand(taken) for taken in node.refs]):
                bounds = FIXED[activation_of(node)] if kind == "fixed" else None
                if not self._is_fused_into(place):
                    self._make(ref, bounds)
        elif kind == "joined":
            if all([self._demand(taken) for taken in node.refs]):
                self._join(ref)
        elif kind == "fused":
            self._visit_fused(place)
        elif kind in ("tied", "passed") and node.refs[0] in self.names:
            self._follow(ref)

    def _visit_linear(self, place: int) -> None:
        name = inner_activation(self.graph.nodes[place].layer)
        if name in (*FUSED, "linear"):
            if not self._is_fused_into(place):
                self._make(Ref(place), None)
            return
        self._add(f"{self.graph.nodes[place].name}{BEFORE}", None)
        if name in FIXED:
            self._make(Ref(place), FIXED[name])
        elif name == "leaky_relu":
            self._make(Ref(place), None)

    def _visit_fused(self, place: int) -> None:
        """After the ReLU, where the layer before it computes in integers."""
        before = self.graph.nodes[place].refs[0].node
        if all(taken in self.names for taken in self.graph.nodes[before].refs):
            self.names.pop(Ref(before), None)
            self._make(Ref(place), None)

    def _is_fused_into(self, place: int) -> bool:
        after = self.graph.consumers(place)
        return len(after) == 1 and self.roles[after[0]] == "fused"

    def _demand(self, ref: Ref) -> bool:
        """Have a tensor's integers at hand, from as early on as they can be."""
        if ref in self.names:
            return True
        node, kind = self.graph.nodes[ref.node], self.roles[ref.node]
        if kind == "input" and not str(node.layer.dtype).startswith("float"):
            return False
        if kind == "fused":
            self._visit_fused(ref.node)
            if ref in self.names:
                return True
        if kind in ("tied", "passed") and self._demand(node.refs[0]):
            self._follow(ref)
        else:
            self._make(ref, None)
        return True

    def _make(self, ref: Ref, bounds: tuple[float, float] | None) -> None:
        name = call_name(self.graph, ref.node) + (f":{ref.index}" if ref.index else "")
        self.names[ref] = name
        self._add(name, bounds)

    def _add(self, name: str, bounds: tuple[float, float] | None) -> None:
        self.parents.setdefault(name, name)
        if bounds is None:
            self.observed.add(name)
        else:
            self.fixed[name] = bounds

    def _follow(self, ref: Ref) -> None:
        """A tensor of the range that its only source has."""
        source = self.names[self.graph.nodes[ref.node].refs[0]]
        if self.roles[ref.node] == "passed":
            self.names[ref] = source
            self.passed.add(ref)
            return
        name = call_name(self.graph, ref.node)
        self.names[ref] = name
        if name not in self.parents:
            self.parents[name] = self._root(source)

    def _join(self, ref: Ref) -> None:
        """One range for all that a concatenation takes; its own where one of them can't change."""
        sources = [self.names[taken] for taken in self.graph.nodes[ref.node].refs]
        bounds = {self.fixed.get(self._root(source)) for source in sources}
        if len(bounds) > 1:
            self._make(ref, None)
            return
        for source in sources[1:]:
            self._tie(sources[0], source)
        name = call_name(self.graph, ref.node)
        self.names[ref] = name
        if name not in self.parents:
            self.parents[name] = self._root(sources[0])

    def _tie_shared(self) -> None:
        """A layer that is called twice has one bias, whose step follows from what it takes."""
        for node in self.graph.layers():
            calls = self.graph.calls(node.layer)
            if len(calls) > 1 and self.roles[calls[0]] == "linear":
                taken = [self.graph.nodes[place].refs[0] for place in calls]
                names = [self.names[ref] for ref in taken if ref in self.names]
                for name in names[1:]:
                    self._tie(names[0], name)

    def _tie(self, one: str, other: str) -> None:
        one, other = self._root(one), self._root(other)
        if one != other:
            self.parents[other] = one

    def _root(self, name: str) -> str:
        while self.parents[name] != name:
            name = self.parents[name]
        return name

    def _skipped(self) -> tuple[Skipped, ...]:
        reasons: dict[str, str] = {}
        for place, node in enumerate(self.graph.nodes):
            reason = self._reason(place)
            if reason:
                reasons.setdefault(node.name, reason)
        return tuple(Skipped(layer=name, reason=why) for name, why in reasons.items())

    def _reason(self, place: int) -> str:
        node, kind = self.graph.nodes[place], self.roles[place]
        if kind == "unknown":
            return f"{node.kind} stays in float: the training knows no integer kernel of it"
        if kind == "linear" and node.refs[0] not in self.names:
            return f"{node.kind} stays in float: what it takes are whole numbers"
        name = inner_activation(node.layer) if kind == "linear" else ""
        if name and name not in (*FUSED, *FIXED, "linear", "leaky_relu"):
            return f"its activation {name} stays in float: the training knows no integer kernel"
        return ""

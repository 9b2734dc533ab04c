"""A Functional or Sequential model as one flat list of calls: nested models are taken apart.

Steps look at this, never at Keras' own nodes. A layer that is called twice stands at two nodes,
with one name; so does each layer of a nested model that is called twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from edgewright_runtimes.errors import BadInput


@dataclass(frozen=True, slots=True)
class Ref:
    """The tensor that the node at place ``node`` gives out at place ``index``."""

    node: int
    index: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One call of a layer (or of a bare operation of ``keras.ops``).

    ``args`` and ``kwargs`` hold ``Ref`` where the call had tensors. ``name`` is that of the layer,
    unique in the graph. ``shapes`` are those of what it gives out, the batch first.
    """

    name: str
    layer: Any
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    refs: tuple[Ref, ...]  # every tensor it takes, in the order of the call
    shapes: tuple[tuple[int | None, ...], ...]

    @property
    def kind(self) -> str:
        """The layer's class name: ``Conv2D``."""
        return type(self.layer).__name__

    @property
    def shape(self) -> tuple[int | None, ...]:
        return self.shapes[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """``nodes`` in an order in which each can be called. ``inputs`` are places in it."""

    name: str
    nodes: tuple[Node, ...]
    inputs: tuple[int, ...]
    outputs: tuple[Ref, ...]
    input_structure: Any  # as the model takes them: Keras tensors in a list, a dict, or one
    output_structure: Any
    _consumers: dict[int, list[int]] = field(default_factory=dict)

    def consumers(self, place: int) -> tuple[int, ...]:
        """Places of the nodes that take any tensor of the node at ``place``; once each."""
        return tuple(self._consumers.get(place, ()))

    def calls(self, layer: Any) -> tuple[int, ...]:
        """Places where this layer object is called; more than one where it is shared."""
        return tuple(i for i, node in enumerate(self.nodes) if node.layer is layer)

    def is_output(self, place: int) -> bool:
        return any(ref.node == place for ref in self.outputs)

    def layers(self) -> Iterator[Node]:
        """One node for each layer: the first of its calls."""
        seen: set[int] = set()
        for node in self.nodes:
            if id(node.layer) not in seen:
                seen.add(id(node.layer))
                yield node


def flatten(model: Any) -> Graph:
    """Raises ``BadInput`` for a subclassed model, whose calls can't be seen."""
    functional = _functional(model)
    if functional is None:
        raise BadInput(
            f"the model {model.name!r} is a subclassed {type(model).__name__}: its layers' order"
            " can't be seen",
            hint="make it Functional: keras.Model(inputs, model.call(inputs)), with inputs ="
            " keras.Input(shape)",
        )
    flat = _Flattener()
    outputs = flat.run(functional, {})
    nodes = tuple(flat.nodes)
    consumers: dict[int, list[int]] = {}
    for place, node in enumerate(nodes):
        for source in dict.fromkeys(ref.node for ref in node.refs):
            consumers.setdefault(source, []).append(place)
    return Graph(
        name=model.name,
        nodes=nodes,
        inputs=tuple(flat.given[id(tensor)].node for tensor in functional.inputs),
        outputs=tuple(outputs),
        input_structure=functional._inputs_struct,
        output_structure=functional._outputs_struct,
        _consumers=consumers,
    )


def _functional(operation: Any) -> Any:
    """The Functional inside an operation, or ``None`` where it is a plain layer."""
    if hasattr(operation, "_nodes_by_depth"):
        return operation
    return getattr(operation, "_functional", None)


class _Flattener:
    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self.given: dict[int, Ref] = {}  # of the outermost model's inputs
        self._names: dict[int, str] = {}
        self._taken: set[str] = set()

    def run(self, functional: Any, known: dict[int, Ref], prefix: str = "") -> list[Ref]:
        """Append the calls of ``functional``; ``known`` has its input tensors, by id."""
        tensors = dict(known)
        outermost = not prefix and not known
        for depth in sorted(functional._nodes_by_depth, reverse=True):
            for node in functional._nodes_by_depth[depth]:
                if node.is_input and all(id(t) in tensors for t in node.outputs):
                    continue
                for tensor, ref in zip(
                    node.outputs, self._call(node, tensors, prefix), strict=True
                ):
                    tensors[id(tensor)] = ref
        if outermost:
            self.given = tensors
        return [tensors[id(tensor)] for tensor in functional.outputs]

    def _call(self, node: Any, tensors: dict[int, Ref], prefix: str) -> list[Ref]:
        nested = _functional(node.operation)
        if nested is not None:
            taken = [tensors[id(tensor)] for tensor in node.arguments.keras_tensors]
            inner = {id(t): ref for t, ref in zip(nested.inputs, taken, strict=True)}
            return self.run(nested, inner, prefix=f"{prefix}{node.operation.name}_")
        args, kwargs = _with_refs((node.arguments.args, node.arguments.kwargs), tensors)
        self.nodes.append(
            Node(
                name=self._name(node.operation, prefix),
                layer=node.operation,
                args=tuple(args),
                kwargs=dict(kwargs),
                refs=tuple(tensors[id(tensor)] for tensor in node.arguments.keras_tensors),
                shapes=tuple(tuple(tensor.shape) for tensor in node.outputs),
            )
        )
        place = len(self.nodes) - 1
        return [Ref(place, index) for index in range(len(node.outputs))]

    def _name(self, layer: Any, prefix: str) -> str:
        """A layer's own name; with its nested model's before it where another layer has it."""
        if id(layer) not in self._names:
            name, count = layer.name, 1
            if name in self._taken:
                name = f"{prefix}{layer.name}"
            while name in self._taken:
                count += 1
                name = f"{prefix}{layer.name}_{count}"
            self._taken.add(name)
            self._names[id(layer)] = name
        return self._names[id(layer)]


def _with_refs(structure: Any, tensors: Mapping[int, Ref]) -> Any:
    import keras

    def swap(leaf: Any) -> Any:
        return tensors[id(leaf)] if isinstance(leaf, keras.KerasTensor) else leaf

    return keras.tree.map_structure(swap, structure)

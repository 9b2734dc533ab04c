"""A GraphDef indexed both ways, so that a pass can ask who uses a node and edit in place.

A pass turns the *last* node of a pattern into its replacement: who used it still does, by the
same name, and what nobody uses any more is dropped when the graph is taken out again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from tensorflow.core.framework.graph_pb2 import GraphDef
    from tensorflow.core.framework.node_def_pb2 import NodeDef

Values = np.ndarray[Any, Any]


def node_of(tensor: str) -> str:
    """``^a`` and ``a:1`` are tensors (or edges) of node ``a``."""
    return tensor.removeprefix("^").split(":")[0]


class Graph:
    """The top level of a GraphDef; ``keep`` are the nodes that feeds and fetches name."""

    def __init__(self, graph_def: GraphDef, keep: Iterable[str]) -> None:
        self._graph_def = graph_def
        self.keep = frozenset(keep)
        self.nodes: dict[str, NodeDef] = {node.name: node for node in graph_def.node}
        self._uses: dict[str, int] = dict.fromkeys(self.nodes, 0)
        for node in self.nodes.values():
            for name in node.input:
                self._uses[node_of(name)] += 1

    def __iter__(self) -> Iterator[NodeDef]:
        """Every node of this moment that is still there when its turn comes."""
        for name, node in list(self.nodes.items()):
            if name in self.nodes:
                yield node

    def producer(self, tensor: str) -> NodeDef:
        return self.nodes[node_of(tensor)]

    def used_once(self, node: NodeDef) -> bool:
        return self._uses[node.name] == 1 and node.name not in self.keep

    def is_constant(self, tensor: str) -> bool:
        return bool(self.producer(tensor).op == "Const") and not tensor.startswith("^")

    def values(self, tensor: str) -> Values:
        """The numbers of a constant, as stored."""
        return constant_values(self.producer(tensor))

    def split_constant(self, node: NodeDef) -> tuple[str, Values] | None:
        """The variable input and the constant of a node of two inputs, in either order."""
        if len(node.input) != 2:
            return None
        left, right = node.input
        if self.is_constant(right) and not self.is_constant(left):
            return left, self.values(right)
        if self.is_constant(left) and not self.is_constant(right):
            return right, self.values(left)
        return None

    def add_constant(self, wanted: str, values: Values) -> str:
        """A new constant under the wanted name, or the next one that is free."""
        name = self._free_name(wanted)
        self.nodes[name] = constant(name, values)
        self._uses[name] = 0
        return name

    def add_node(self, wanted: str, op: str, inputs: Iterable[str], attrs_of: NodeDef) -> str:
        """A new node with the attributes of another."""
        node = type(attrs_of)(name=self._free_name(wanted), op=op)
        copy_attrs(attrs_of, node)
        self.nodes[node.name] = node
        self._uses[node.name] = 0
        self.set_inputs(node, inputs)
        return str(node.name)

    def _free_name(self, wanted: str) -> str:
        name, count = wanted, 0
        while name in self.nodes:
            count += 1
            name = f"{wanted}_{count}"
        return name

    def set_inputs(self, node: NodeDef, inputs: Iterable[str]) -> None:
        for name in node.input:
            self._uses[node_of(name)] -= 1
        node.input[:] = list(inputs)
        for name in node.input:
            self._uses[node_of(name)] += 1

    def replace(self, node: NodeDef, op: str, inputs: Iterable[str], attrs_of: NodeDef) -> None:
        """Make ``node`` an ``op`` with the attributes of another node; its name stays."""
        self.set_inputs(node, inputs)
        node.op = op
        if attrs_of is not node:
            node.attr.clear()
            copy_attrs(attrs_of, node)
        self._release()

    def take_over(self, node: NodeDef, last: str) -> None:
        """Make ``node`` what the new node ``last`` is, which nothing else uses."""
        made = self.producer(last)
        self.replace(node, made.op, list(made.input), attrs_of=made)

    def _release(self) -> None:
        """Forget what no one uses, so that counts of uses stay true."""
        idle = [n for n, uses in self._uses.items() if uses == 0 and n not in self.keep]
        while idle:
            name = idle.pop()
            self._uses.pop(name)
            for source in self.nodes.pop(name).input:
                source = node_of(source)
                self._uses[source] -= 1
                if self._uses[source] == 0 and source not in self.keep:
                    idle.append(source)

    def to_graph_def(self) -> GraphDef:
        """A new GraphDef of what feeds and fetches need, the library unchanged."""
        result = type(self._graph_def)()
        result.versions.CopyFrom(self._graph_def.versions)
        result.library.CopyFrom(self._graph_def.library)
        self._release()
        result.node.extend(self.nodes.values())
        return result


def scalar(graph: Graph, node: NodeDef, value: int, dtype: int) -> str:
    """A new constant for ``node``, of a dtype of ``types.proto``."""
    from tensorflow.python.framework import dtypes

    kind = dtypes.as_dtype(dtype).as_numpy_dtype
    return graph.add_constant(f"{node.name}/{value}", np.full((), value, kind))


def attributes(**values: int | bool) -> NodeDef:
    """A node to take attributes from: names with a ``T`` in front, or at the end, are types."""
    from tensorflow.core.framework.node_def_pb2 import NodeDef

    node = NodeDef()
    for name, value in values.items():
        if isinstance(value, bool):
            node.attr[name].b = value
        elif name[0] == "T" or name[-1] == "T":
            node.attr[name].type = value
        else:
            node.attr[name].i = value
    return node


def copy_attrs(source: NodeDef, target: NodeDef) -> None:
    for key, value in source.attr.items():
        target.attr[key].CopyFrom(value)


def constant(name: str, values: Values) -> NodeDef:
    from tensorflow.core.framework.node_def_pb2 import NodeDef
    from tensorflow.python.framework import tensor_util

    node = NodeDef(name=name, op="Const")
    tensor = tensor_util.make_tensor_proto(values)
    node.attr["dtype"].type = tensor.dtype
    node.attr["value"].tensor.CopyFrom(tensor)
    return node


def constant_values(node: NodeDef) -> Values:
    from tensorflow.python.framework import tensor_util

    return np.asarray(tensor_util.MakeNdarray(node.attr["value"].tensor))

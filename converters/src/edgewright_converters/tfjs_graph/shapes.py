"""The shapes that TensorFlow infers for a graph, without its weights."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from edgewright_converters.tfjs_graph.graph import Graph

if TYPE_CHECKING:
    from tensorflow.core.framework.node_def_pb2 import NodeDef

Shape = tuple[int | None, ...]
_SMALL_BYTES = 1024  # constants up to here may be shapes, larger ones are weights


class Shapes:
    """Of the graph as it is at the first question; later nodes are not known."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    def of(self, tensor: str) -> Shape | None:
        """``None`` where not even the rank is known."""
        name, _, number = tensor.partition(":")
        try:
            operation = self._inferred.get_operation_by_name(name)
        except KeyError:
            return None
        shape = operation.outputs[int(number or 0)].shape
        return None if shape.rank is None else tuple(shape.as_list())

    @cached_property
    def _inferred(self) -> Any:
        import tensorflow as tf

        skeleton = self._graph.to_graph_def()
        for node in skeleton.node:
            if node.op == "Const" and node.attr["value"].tensor.ByteSize() > _SMALL_BYTES:
                _empty(node)
        with tf.Graph().as_default() as inferred:
            tf.graph_util.import_graph_def(skeleton, name="")
        return inferred


def _empty(node: NodeDef) -> None:
    """A placeholder of the constant's shape, which is all that is asked of it here."""
    shape, dtype = node.attr["value"].tensor.tensor_shape, node.attr["dtype"].type
    node.op = "Placeholder"
    node.attr["shape"].shape.CopyFrom(shape)
    del node.attr["value"]
    node.attr["dtype"].type = dtype

"""A concrete function becomes a GraphDef without variables, simplified.

TensorFlow's own two tools do it: the freezing of ``convert_to_constants`` (loops stay functional:
control flow v2, the only kind TF.js runs) and grappler, with the optimizers that the package
``tensorflowjs`` asks for before it looks for batch normalization.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from edgewright_converters.tfjs_graph.graph import node_of

if TYPE_CHECKING:
    from tensorflow.core.framework.graph_pb2 import GraphDef

OPTIMIZERS = ("pruning", "constfold", "arithmetic", "dependency") * 2
DEBUG_OPS = frozenset({"Assert", "CheckNumerics", "Print", "PrintV2"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """An input or output: the tensor in the graph, its TensorFlow dtype and its shape."""

    tensor: str
    dtype: int  # types.proto
    shape: tuple[int | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Frozen:
    graph_def: GraphDef
    inputs: Mapping[str, Edge]
    outputs: Mapping[str, Edge]

    @property
    def keep(self) -> frozenset[str]:
        edges = (*self.inputs.values(), *self.outputs.values())
        return frozenset(node_of(edge.tensor) for edge in edges)


def freeze(function: Any) -> Frozen:
    """``function`` is a ``tf.ConcreteFunction``: keyword inputs by name, a dict of outputs."""
    # ``convert_variables_to_constants_v2`` is these two and a third, which makes a function of
    # the graph again: four fifths of its time, and it swaps functions under the source's feet.
    from tensorflow.python.framework.convert_to_constants import (
        _FunctionConverterDataInEager,
        _replace_variables_by_constants,
    )

    data = _FunctionConverterDataInEager(
        func=function, lower_control_flow=False, aggressive_inlining=True
    )
    graph_def, _ = _replace_variables_by_constants(converter_data=data)
    given = function.inputs[: len(function.inputs) - len(function.captured_inputs)]
    inputs = {_asked_name(tensor): _edge(tensor) for tensor in given}
    outputs = {name: _edge(tensor) for name, tensor in function.structured_outputs.items()}
    return Frozen(graph_def=graph_def, inputs=inputs, outputs=outputs)


def _asked_name(placeholder: Any) -> str:
    """The name of the signature: a node's own name may have had characters replaced."""
    try:
        return str(placeholder.op.get_attr("_user_specified_name").decode())
    except ValueError:
        return str(placeholder.op.name)


def _edge(tensor: Any) -> Edge:
    shape = tensor.shape.as_list() if tensor.shape.rank is not None else []
    return Edge(tensor=tensor.name, dtype=tensor.dtype.as_datatype_enum, shape=tuple(shape))


def simplify(frozen: Frozen) -> GraphDef:
    """Grappler over the graph, with every input kept (TF.js refuses a feed it does not know)."""
    from tensorflow.core.protobuf.config_pb2 import ConfigProto
    from tensorflow.core.protobuf.meta_graph_pb2 import MetaGraphDef
    from tensorflow.python.grappler import tf_optimizer

    config = ConfigProto()
    optimizers = list(OPTIMIZERS)
    if any(node.op in DEBUG_OPS for node in frozen.graph_def.node):
        optimizers.insert(0, "debug_stripper")
    config.graph_options.rewrite_options.optimizers[:] = optimizers
    config.graph_options.rewrite_options.min_graph_nodes = -1
    meta = MetaGraphDef()
    meta.graph_def.CopyFrom(frozen.graph_def)
    meta.collection_def["train_op"].node_list.value.extend(
        node_of(edge.tensor) for edge in frozen.outputs.values()
    )
    result = tf_optimizer.OptimizeGraph(config, meta)
    present = {node.name for node in result.node}
    result.node.extend(
        node
        for node in frozen.graph_def.node
        if node.name in frozen.keep and node.name not in present
    )
    return result

"""A source's graph with its weights as constants: what the TFLite and ONNX writers start from.

Frozen, a graph has no variables left to lose (a Keras 3 model converted with live variables gives
TFLite files whose READ_VARIABLE fails), needs no SavedModel on disk, and serves every scheme.
"""

from __future__ import annotations

import ctypes
import gc
import re
import sys
import weakref
from functools import cached_property
from typing import TYPE_CHECKING, Any

from edgewright_converters.errors import ConversionError
from edgewright_converters.op_names import layer_of

if TYPE_CHECKING:
    from edgewright_converters.sources.source import Source

_MUCH_BYTES = 32 << 20  # of weights: worth the tenths of a second that a collection takes
_WRITES = re.compile(r"Assign\w*VariableOp$|Resource(?:Scatter|Apply|StridedSliceAssign)")
_M_MMAP_THRESHOLD = -3  # of malloc.h

_kept: weakref.WeakKeyDictionary[Source, dict[int | None, FrozenGraph]]
_kept = weakref.WeakKeyDictionary()


class FrozenGraph:
    """A graph whose weights become constants when they are asked for, and not before.

    ``graph`` is the ``tf.Graph`` without calls, its variables still inputs: it says what is in
    the model and costs nothing to keep. ``inputs`` and ``outputs`` are its tensors, in the order
    of the source's signature; ``input_names`` and ``output_names`` are the signature's.
    """

    def __init__(
        self, function: Any, input_names: tuple[str, ...], output_names: tuple[str, ...]
    ) -> None:
        import tensorflow as tf
        from tensorflow.python.framework.convert_to_constants import _FunctionConverterDataInEager

        self.input_names = input_names
        self.output_names = output_names
        self._traced = function
        self._data = _FunctionConverterDataInEager(
            func=function, lower_control_flow=False, aggressive_inlining=True
        )
        self._freezable = frozenset(self._data.tensor_data)
        self._data.tensor_data.clear()  # copies of all weights
        _forget_origins(self._data.graph_def)
        with tf.Graph().as_default() as self.graph:
            tf.import_graph_def(self._data.graph_def, name="")
        given = function.inputs[: len(input_names)]
        self.inputs = tuple(self.graph.get_tensor_by_name(t.name) for t in given)
        for tensor, traced in zip(self.inputs, given, strict=True):
            tensor.set_shape(traced.shape)  # a scalar's is lost on the way
        self.outputs = tuple(self.graph.get_tensor_by_name(t.name) for t in function.outputs)

    @property
    def graph_def(self) -> Any:
        """The graph without its weights, as a ``GraphDef``."""
        return self._data.graph_def

    def serialize(self) -> bytes:
        """The frozen graph as the bytes of a ``GraphDef``; nothing else is left in memory."""
        content = bytes(self._with_weights()[0].SerializeToString())
        if len(content) > _MUCH_BYTES:
            gc.collect()  # TensorFlow's freezing leaves circles behind that hold the weights
            _give_large_blocks_back()
        return content

    @cached_property
    def function(self) -> Any:
        """A ``tf.ConcreteFunction`` of it. It holds the weights several times over."""
        from tensorflow.python.framework.convert_to_constants import _construct_concrete_function

        return _construct_concrete_function(self._traced, *self._with_weights())

    def unfreezable(self) -> tuple[Any, ...]:
        """Resources that no constant can stand for: lookup tables and the like."""
        import tensorflow as tf

        captured = self._traced.inputs[len(self.input_names) :]
        return tuple(
            t for t in captured if t.dtype == tf.resource and t.op.name not in self._freezable
        )

    def writers(self) -> tuple[str, ...]:
        """Names of the operations that write to a variable."""
        inside = (node for f in self.graph_def.library.function for node in f.node_def)
        return tuple(n.name for n in (*self.graph_def.node, *inside) if _WRITES.match(n.op))

    def _with_weights(self) -> tuple[Any, Any]:
        """A new ``GraphDef``, and which of the traced function's inputs it has as constants."""
        from tensorflow.python.framework.convert_to_constants import (
            _replace_variables_by_constants,
        )

        self._data._build_tensor_data()
        try:
            graph_def, replaced = _replace_variables_by_constants(converter_data=self._data)
        finally:
            self._data.tensor_data.clear()
        return graph_def, replaced


def _forget_origins(graph_def: Any) -> None:
    """Where inlining took a node from: TFLite's converter would name tensors after it."""
    for nodes in (graph_def.node, *(f.node_def for f in graph_def.library.function)):
        for node in nodes:
            node.ClearField("experimental_debug_info")


def _give_large_blocks_back() -> None:
    """Let memory of a megabyte and more go back to the system as soon as it is free.

    glibc raises that limit to 32 MB by itself, and then a model's tensors leave holes in its heap
    that the next stage may not fit into: 110 MB more at the peak of a 100 MB model, or not, from
    run to run (``mallopt(3)``).
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, 1 << 20)


def freeze(source: Source, *, batch: int | None) -> FrozenGraph:
    """The graph of ``source`` at that batch; kept for as long as the source lives.

    Raises ``ConversionError`` where the graph holds state that no constant can stand for.
    """
    try:
        known = _kept.setdefault(source, {})
    except TypeError:  # a source that can't be referred to weakly is frozen anew each time
        known = {}
    if batch not in known:
        known[batch] = _freeze(source, batch)
    return known[batch]


def _freeze(source: Source, batch: int | None) -> FrozenGraph:
    import tensorflow as tf

    signature = source.signature
    names = [i.name for i in signature.inputs]
    outputs = [o.name for o in signature.outputs]
    inner = source.as_concrete_function(batch=batch)
    _, named = inner.structured_input_signature
    specs = [
        tf.TensorSpec(named[name].shape, named[name].dtype, name=f"input_{n}")
        for n, name in enumerate(names)
    ]

    def in_order(*tensors: Any) -> list[Any]:
        results = inner(**dict(zip(names, tensors, strict=True)))
        return [tf.identity(results[o]) for o in outputs]

    outer = tf.function(in_order, input_signature=specs).get_concrete_function()
    frozen = FrozenGraph(outer, tuple(names), tuple(outputs))
    if writers := frozen.writers():
        layers = sorted({repr(layer_of(name, source)) for name in writers})
        raise ConversionError(
            f"{', '.join(layers)} writes to a variable at every call, and an artifact's weights"
            " are constants",
            hint="build it with stateful=False and the same weights, or make the state an input"
            " and an output of the model (initial_state=..., return_state=True)",
        )
    if frozen.unfreezable():
        users = sorted(
            f"{op.type} of {layer_of(op.name, source)!r}"
            for op in inner.graph.get_operations()
            if any(t.dtype == tf.resource for t in op.inputs) and op.type != "ReadVariableOp"
        )
        raise ConversionError(
            f"the graph needs something that can't become a constant: {', '.join(users)}",
            hint="leave lookup tables and other state outside the model",
        )
    return frozen

"""A source's graph with its weights as constants: what the TFLite and ONNX writers start from.

Frozen, a graph has no variables left to lose (a Keras 3 model converted with live variables gives
TFLite files whose READ_VARIABLE fails), needs no SavedModel on disk, and serves every scheme.
"""

from __future__ import annotations

import weakref
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from edgewright_converters.errors import ConversionError
from edgewright_converters.op_names import layer_of

if TYPE_CHECKING:
    from edgewright_converters.sources.source import Source

_kept: weakref.WeakKeyDictionary[Source, dict[int | None, FrozenGraph]]
_kept = weakref.WeakKeyDictionary()


@dataclass(frozen=True, slots=True, kw_only=True)
class FrozenGraph:
    """``function`` is a ``tf.ConcreteFunction`` without variables.

    Its tensors stand in the order of the source's signature, under names of their own:
    ``input_names`` and ``output_names`` are the signature's.
    """

    function: Any
    input_names: tuple[str, ...]
    output_names: tuple[str, ...]


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
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

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
    function = convert_variables_to_constants_v2(
        outer, lower_control_flow=False, aggressive_inlining=True
    )
    if any(t.dtype == tf.resource for t in function.inputs):
        users = sorted(
            f"{op.type} of {layer_of(op.name, source)!r}"
            for op in inner.graph.get_operations()
            if any(t.dtype == tf.resource for t in op.inputs) and op.type != "ReadVariableOp"
        )
        raise ConversionError(
            f"the graph needs something that can't become a constant: {', '.join(users)}",
            hint="leave lookup tables and other state outside the model",
        )
    return FrozenGraph(function=function, input_names=tuple(names), output_names=tuple(outputs))

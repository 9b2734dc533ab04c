"""Says which operation a converter refused, where in the source it is, and who does take it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from edgewright_converters.errors import ConversionError

if TYPE_CHECKING:
    from edgewright_converters.sources.source import Source

_MLIR_OPS = re.compile(r"'tf\.(\w+)' op")
_FLEX = re.compile(r"TF Select ops: ([\w, ]+)")
_CUSTOM = re.compile(r"Custom ops: ([\w, ]+)")
_CALL = re.compile(r"^(?:Stateful)?PartitionedCall(?:_\d+)?$")
_WHERE_SHOWN = 3
CALLS = frozenset({"PartitionedCall", "StatefulPartitionedCall"})  # what XLA keeps from inlining
INSTEAD_OF_XLA = "give the .keras or .h5 file instead, or build the model without jit_compile=True"


def first_line(message: str) -> str:
    """What is worth showing of a framework's message."""
    lines = (line.strip() for line in message.splitlines())
    return next((line for line in lines if line), "no reason given")[:300]


def conversion_error(
    format_: str, scheme: str, message: str, graph: Any, source: Source
) -> ConversionError:
    """The converter's message, told in the words of the source: operations and layers."""
    ops = refused_ops(message)
    if ops:
        return unsupported(format_, scheme, ops, graph, source)
    return ConversionError(f"{format_} {scheme}: {first_line(message)}")


def refused_ops(message: str) -> tuple[str, ...]:
    """The operations that TFLite's converter names as having no kernel of their own."""
    named: list[str] = []
    for pattern in (_FLEX, _CUSTOM):
        for found in pattern.findall(message):
            named.extend(word.strip() for word in found.split(","))
    if not named and "neither a custom op nor a flex op" in message:
        named = _MLIR_OPS.findall(message)
    return tuple(sorted({name for name in named if name}))


def unsupported(
    format_: str, scheme: str, ops: Iterable[str], graph: Any, source: Source
) -> ConversionError:
    """``graph`` is the ``tf.Graph`` that was converted."""
    ops = tuple(ops)
    places = [f"{op}{_where(op, graph, source)}" for op in ops]
    if CALLS.intersection(ops):
        return ConversionError(
            f"{format_} {scheme}: no format has calls that XLA compiles: {', '.join(places)}",
            hint=INSTEAD_OF_XLA,
        )
    message = f"{format_} {scheme}: no operation of the format for {', '.join(places)}"
    if format_ == "tflite":
        message += " (Flex, which runs TensorFlow's own, is refused: few devices carry it)"
    takers = formats_that_take(ops, besides=format_)
    hint = f"{' and '.join(takers)} may take it" if takers else "replace the layer in the source"
    return ConversionError(message, hint=hint)


def _where(op: str, graph: Any, source: Source) -> str:
    """The source layers that the operation came from, as far as the names tell."""
    names = (node.name for node in graph.get_operations() if node.type == op)
    layers = sorted({layer_of(name, source) for name in names} - {""})
    if not layers:
        return ""
    shown = ", ".join(repr(layer) for layer in layers[:_WHERE_SHOWN])
    more = f" and {len(layers) - _WHERE_SHOWN} more" if len(layers) > _WHERE_SHOWN else ""
    return f" of {'layer' if len(layers) == 1 else 'layers'} {shown}{more}"


def layer_of(node_name: str, source: Source) -> str:
    """The innermost scope of a node that is a layer of the model, or its last scope."""
    scopes = [part for part in node_name.split("/")[:-1] if not _CALL.match(part)]
    model = source.as_keras()
    known = {layer.name for layer in model.layers} if model is not None else set()
    for scope in scopes:
        for name in (scope, re.sub(r"_\d+$", "", scope)):  # a second call adds _1
            if name in known:
                return name
    return scopes[-1] if scopes else ""


def formats_that_take(ops: Iterable[str], *, besides: str) -> tuple[str, ...]:
    """Formats whose writers know every one of ``ops``, as far as their tables say."""
    from edgewright_converters.tfjs_graph.kernels import graph_ops
    from edgewright_converters.tfjs_graph.support import other_formats

    wanted, tried = set(ops), other_formats()
    takers = {
        "tflite": all("tflite" in tried.get(op, ()) for op in wanted),
        "onnx": wanted <= _onnx_ops(),
        "tfjs": wanted <= graph_ops(),
    }
    return tuple(name for name, takes in takers.items() if takes and name != besides)


def _onnx_ops() -> frozenset[str]:
    """TensorFlow operations that tf2onnx, with our additions, has a handler for."""
    from tf2onnx import constants, tfonnx  # tfonnx registers the handlers
    from tf2onnx.handler import tf_op

    from edgewright_converters.formats.onnx_graph.handlers import HANDLERS

    del tfonnx
    return frozenset((*tf_op.create_mapping(constants.PREFERRED_OPSET, None), *HANDLERS))

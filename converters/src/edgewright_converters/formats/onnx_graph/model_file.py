"""Reads and finishes an ONNX model: versions, edges, how much of it is quantized."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from edgewright_converters.formats.onnx_graph.names import shorten
from edgewright_runtimes.records import TensorSpec

IR_VERSION = 10  # the newest that ONNX Runtime 1.18 to 1.23 read without complaint
_INTEGERS = ("int8", "uint8", "int4", "uint4")


def tidy(model: Any) -> None:
    """An IR version that older runtimes read, only the operator sets that are used, short names.

    ONNX Runtime's tools import every set they know, and a runtime that lacks one may refuse.
    """
    shorten(model)
    model.ir_version = min(model.ir_version, IR_VERSION)
    used = {node.domain for node in nodes(model.graph)} | {""}
    kept = [entry for entry in model.opset_import if entry.domain in used]
    del model.opset_import[:]
    model.opset_import.extend(kept)
    model.producer_name, model.producer_version = "edgewright", ""


def save(model: Any, path: Path) -> None:
    import onnx

    onnx.save(model, path)


def nodes(graph: Any) -> Iterator[Any]:
    """Every node, those inside loops and branches too."""
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            if attribute.HasField("g"):
                yield from nodes(attribute.g)
            for inner in attribute.graphs:
                yield from nodes(inner)


def quantized_share(model: Any) -> float:
    """The part of the weights, counted in values, that is stored as integers of 8 bits or less.

    Scalars, the integer constants of shapes and axes, and the scales and zero points of other
    tensors are no weights.
    """
    import onnx

    pairs = ("QuantizeLinear", "DequantizeLinear")
    scales = {n for node in model.graph.node if node.op_type in pairs for n in node.input[1:]}
    integer = total = 0
    for tensor in model.graph.initializer:
        if tensor.name in scales:
            continue
        count = 1
        for dimension in tensor.dims:
            count *= dimension
        dtype = onnx.TensorProto.DataType.Name(tensor.data_type).lower()
        if count > 1 and dtype in (*_INTEGERS, "float", "float16"):
            total += count
            integer += count if dtype in _INTEGERS else 0
    return integer / total if total else 0.0


def edge_specs(model: Any) -> tuple[tuple[TensorSpec, ...], tuple[TensorSpec, ...]]:
    held = {tensor.name for tensor in model.graph.initializer}
    inputs = tuple(_spec(value) for value in model.graph.input if value.name not in held)
    return inputs, tuple(_spec(value) for value in model.graph.output)


def _spec(value: Any) -> TensorSpec:
    import onnx

    tensor = value.type.tensor_type
    dtype = onnx.helper.tensor_dtype_to_np_dtype(tensor.elem_type).name
    return TensorSpec(
        name=value.name,
        dtype="string" if dtype == "object" else dtype,
        shape=tuple(d.dim_value if d.HasField("dim_value") else None for d in tensor.shape.dim),
    )

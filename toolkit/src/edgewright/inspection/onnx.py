"""Read the graph of an ``.onnx`` file with the package ``onnx``; nothing is run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING

from edgewright.inspection.graph import FLOATS, Graph, Operation, Shape, in_order
from edgewright.inspection.onnx_macs import macs_of
from edgewright.inspection.web import onnx_runtimes
from edgewright_runtimes.errors import BadInput
from edgewright_runtimes.mapped_file import mapped
from edgewright_runtimes.onnx_file import model_fields
from edgewright_runtimes.records import TensorSpec

if TYPE_CHECKING:
    import onnx

_SMALL_ELEMENTS = 1024  # of a tensor that shape inference may want to read
_DEFAULT_DOMAINS = frozenset({"", "ai.onnx"})
_CONVERSIONS = frozenset({"DequantizeLinear", "DynamicQuantizeLinear", "QuantizeLinear"})
_INTEGER_OPS = frozenset({"ConvInteger", "MatMulInteger", "QGemm"})


@dataclass(frozen=True, slots=True)
class _Values:
    """What is known of each value by its name."""

    shapes: Mapping[str, Shape]
    dtypes: Mapping[str, str]
    constants: frozenset[str]  # with what is dequantized from them
    dequantized: Mapping[str, str]  # outputs of DequantizeLinear -> the dtype before


def read_graph(path: Path) -> Graph:
    """The main graph's nodes, with shapes inferred. Raises ``BadInput`` for a corrupt file."""
    model = _load(path)
    stored = [*model.graph.initializer, *_constant_nodes(model)]
    values = _known(model, stored)
    nodes = [node for node in model.graph.node if node.op_type != "Constant"]
    weights = _weights(stored, _scales(model))
    names = {tensor.name for tensor in stored}
    return Graph(
        format="onnx",
        inputs=tuple(_spec(v) for v in model.graph.input if v.name not in names),
        outputs=tuple(_spec(v) for v in model.graph.output),
        operations=tuple(_operation(node, values) for node in nodes),
        parameters=sum(weights.values()),
        weights=weights,
        facts=_facts(model),
        warnings=_warnings(nodes),
        files=_beside(stored),
        web_runtimes=onnx_runtimes(
            {node.domain for node in nodes},
            {opset.domain: opset.version for opset in model.opset_import},
            model.ir_version,
        ),
    )


def _load(path: Path) -> onnx.ModelProto:
    """The model, its big tensors emptied once parsed: they keep their shapes."""
    import onnx
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

    with mapped(path) as data:
        model_fields(data, where=str(path))  # our own errors, before protobuf's
        try:
            model: onnx.ModelProto = onnx.ModelProto.FromString(data[:])
        except DecodeError as e:
            raise BadInput(f"{path}: truncated or corrupt (its graph: {e})") from e
    if not all(isinstance(text, str) for text in _texts(model)):
        raise BadInput(f"{path}: truncated or corrupt (a name that is not UTF-8)")
    attributes = (a.t for n in model.graph.node for a in n.attribute if a.HasField("t"))
    for tensor in (*model.graph.initializer, *attributes):
        if prod(tensor.dims) > _SMALL_ELEMENTS:
            tensor.ClearField("raw_data")
            tensor.ClearField("float_data")
    return model


def _texts(model: onnx.ModelProto) -> Iterator[str]:
    """Every text that is used here; protobuf gives bytes where one is not UTF-8."""
    yield from (model.producer_name, model.producer_version)
    yield from (entry.key for entry in model.metadata_props)
    yield from (opset.domain for opset in model.opset_import)
    yield from (value.name for value in (*model.graph.input, *model.graph.output))
    for tensor in model.graph.initializer:
        yield tensor.name
        yield from (text for entry in tensor.external_data for text in (entry.key, entry.value))
    for node in model.graph.node:
        yield from (node.op_type, node.domain, *node.input, *node.output)
        yield from (attribute.name for attribute in node.attribute)


def _constant_nodes(model: onnx.ModelProto) -> list[onnx.TensorProto]:
    """The tensors of ``Constant`` nodes, each under the name of the node's output."""
    found = []
    for node in model.graph.node:
        values = [a.t for a in node.attribute if a.name == "value" and a.HasField("t")]
        if node.op_type == "Constant" and node.output and values:
            values[0].name = node.output[0]
            found.append(values[0])
    return found


def _known(model: onnx.ModelProto, stored: Sequence[onnx.TensorProto]) -> _Values:
    shapes: dict[str, Shape] = {}
    dtypes: dict[str, str] = {}
    graph = _inferred(model).graph
    for value in (*graph.value_info, *graph.input, *graph.output):
        tensor = value.type.tensor_type
        dtypes[value.name] = _dtype(tensor.elem_type)
        shapes[value.name] = _dims(tensor.shape) if tensor.HasField("shape") else None
    for constant in stored:
        shapes[constant.name] = tuple(constant.dims)
        dtypes[constant.name] = _dtype(constant.data_type)
    constants = {tensor.name for tensor in stored}
    dequantized = {}
    for node in model.graph.node:
        if node.op_type == "DequantizeLinear" and node.input and node.output:
            dequantized[node.output[0]] = dtypes.get(node.input[0], "int8")
            if node.input[0] in constants:
                constants.add(node.output[0])
    return _Values(shapes, dtypes, frozenset(constants), dequantized)


def _inferred(model: onnx.ModelProto) -> onnx.ModelProto:
    """Shapes as inferred at batch 1, or those that the file states where that fails."""
    import onnx

    light = onnx.ModelProto()
    light.CopyFrom(model)
    for value in light.graph.input:
        dims = value.type.tensor_type.shape.dim
        if dims and not dims[0].dim_value:
            dims[0].dim_value = 1
    _sort_nodes(light.graph)
    del light.graph.value_info[:]  # what they say of a free batch no longer holds
    for value in light.graph.output:
        value.type.tensor_type.ClearField("shape")
    try:
        return onnx.shape_inference.infer_shapes(light, data_prop=True)
    except (onnx.shape_inference.InferenceError, RuntimeError, ValueError):
        return model


def _sort_nodes(graph: onnx.GraphProto) -> None:
    """Inference reads nodes in their order, and writers do not all keep to it."""
    nodes = {str(index): node for index, node in enumerate(graph.node)}
    makers = {name: index for index, node in nodes.items() for name in node.output if name}
    needs = {
        index: [makers[name] for name in node.input if name in makers]
        for index, node in nodes.items()
    }
    ordered = [nodes[index] for index in in_order(needs)]
    del graph.node[:]
    graph.node.extend(ordered)


def _operation(node: onnx.NodeProto, values: _Values) -> Operation:
    return Operation(
        name=node.op_type if node.domain in _DEFAULT_DOMAINS else f"{node.domain}:{node.op_type}",
        precision=_precision(node, values),
        macs=macs_of(
            node.op_type if node.domain in _DEFAULT_DOMAINS else "",
            [values.shapes.get(name) for name in node.input],
            [values.shapes.get(name) for name in node.output],
            _equation(node),
        ),
        label=node.output[0] if node.output else "",
    )


def _equation(node: onnx.NodeProto) -> str:
    found = (a.s.decode("utf-8", "replace") for a in node.attribute if a.name == "equation")
    return next(found, "")


def _precision(node: onnx.NodeProto, values: _Values) -> str:
    """Integers for an integer op, and where all that flows in was dequantized just before.

    That is how a runtime recognizes a QDQ graph: it fuses such a node with its neighbours. An op
    of which only the weights are dequantized computes in floats.
    """
    if node.op_type in _CONVERSIONS:
        return "conversion"
    dtypes = values.dtypes
    if node.op_type in _INTEGER_OPS or node.op_type.startswith("QLinear"):
        return dtypes.get(node.input[0], "int8") if node.input else "int8"
    flowing = [name for name in node.input if name and name not in values.constants]
    floats = [name for name in flowing if dtypes.get(name) in FLOATS]
    if floats and all(name in values.dequantized for name in floats):
        return values.dequantized[floats[0]]
    for name in node.input:
        if name in values.constants and name in values.dequantized:
            return f"{values.dequantized[name]} weights"
    known = [dtypes[name] for name in (*flowing, *node.output) if name in dtypes]
    return next((dtype for dtype in known if dtype in FLOATS), "other" if known else "unknown")


def _dims(shape: onnx.TensorShapeProto) -> tuple[int | None, ...]:
    return tuple(d.dim_value if d.HasField("dim_value") else None for d in shape.dim)


def _dtype(code: int) -> str:
    """numpy's name of an ONNX dtype."""
    import onnx

    try:
        name = str(onnx.TensorProto.DataType.Name(code)).lower()
    except ValueError:
        return f"type {code}"
    return {"float": "float32", "double": "float64"}.get(name, name)


def _spec(value: onnx.ValueInfoProto) -> TensorSpec:
    tensor = value.type.tensor_type
    return TensorSpec(name=value.name, dtype=_dtype(tensor.elem_type), shape=_dims(tensor.shape))


def _scales(model: onnx.ModelProto) -> set[str]:
    """The scales and zero points of the conversions: no parameters."""
    return {n for node in model.graph.node if node.op_type in _CONVERSIONS for n in node.input[1:]}


def _weights(stored: Iterable[onnx.TensorProto], scales: set[str]) -> dict[str, int]:
    """Elements by dtype; int64 tensors are shapes and indices, no parameters."""
    weights: dict[str, int] = {}
    for tensor in stored:
        dtype = _dtype(tensor.data_type)
        if dtype not in ("int64", "bool", "string") and tensor.name not in scales:
            weights[dtype] = weights.get(dtype, 0) + prod(tensor.dims)
    return weights


def _facts(model: onnx.ModelProto) -> dict[str, str | int]:
    opsets = [f"{o.domain or 'ai.onnx'} {o.version}" for o in model.opset_import]
    facts: dict[str, str | int] = {
        "IR version": model.ir_version,
        "opset": ", ".join(opsets),
        "producer": f"{model.producer_name} {model.producer_version}".strip(),
        "metadata": ", ".join(entry.key for entry in model.metadata_props),
    }
    return {name: value for name, value in facts.items() if value}


def _warnings(nodes: Sequence[onnx.NodeProto]) -> tuple[str, ...]:
    domains = sorted({node.domain for node in nodes} - _DEFAULT_DOMAINS)
    return (f"needs ops of other domains: {', '.join(domains)}",) if domains else ()


def _beside(stored: Iterable[onnx.TensorProto]) -> tuple[str, ...]:
    """The files of external tensors."""
    external = [e.value for t in stored for e in t.external_data if e.key == "location"]
    return tuple(dict.fromkeys(external))

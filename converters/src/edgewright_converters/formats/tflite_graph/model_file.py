"""Reads and finishes a TFLite flatbuffer: its signature, its edge tensors, its float operators."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from edgewright_runtimes.records import TensorSpec

_DTYPES = {  # tflite.TensorType -> numpy's name
    0: "float32",
    1: "float16",
    2: "int32",
    3: "uint8",
    4: "int64",
    5: "string",
    6: "bool",
    7: "int16",
    9: "int8",
    10: "float64",
    12: "uint64",
    15: "uint32",
    16: "uint16",
}
_FLOATS = (0, 1, 10)
_CALLS = re.compile(r"^(?:(?:Stateful)?PartitionedCall(?:_\d+)?/)+")
_CONVERSIONS = ("QUANTIZE", "DEQUANTIZE")


def parse(content: bytes) -> Any:
    """The flatbuffer as Python objects (``ModelT`` of the TFLite schema)."""
    from tensorflow.lite.tools import flatbuffer_utils

    return flatbuffer_utils.convert_bytearray_to_object(content)


def serialize(model: Any) -> bytes:
    """Equal zero points are stored once: one per channel, they are a tenth of a dense int8 net."""
    import flatbuffers

    class Sharing(flatbuffers.Builder):  # type: ignore[misc]
        def CreateNumpyVector(self, values: Any) -> int:
            if values.dtype != "int64":
                return int(super().CreateNumpyVector(values))
            key = values.tobytes()
            if key not in known:
                known[key] = int(super().CreateNumpyVector(values))
            return known[key]

    known: dict[bytes, int] = {}
    builder = Sharing(1024)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


def name_edges(model: Any, inputs: Sequence[str], outputs: Sequence[str]) -> None:
    """Give the main graph's edges the signature's names, and the file a signature.

    A converted graph names its tensors after the operations that made them; an app asks for
    the names its author gave. A tensor that is two outputs at once keeps its first name.
    """
    from tensorflow.lite.python import schema_py_generated as schema

    graph = model.subgraphs[0]
    signature = schema.SignatureDefT()
    signature.signatureKey = b"serving_default"
    signature.subgraphIndex = 0
    signature.inputs = _maps(schema, inputs, graph.inputs)
    signature.outputs = _maps(schema, outputs, graph.outputs)
    model.signatureDefs = [signature]
    named: dict[int, str] = {}
    for name, index in zip((*inputs, *outputs), (*graph.inputs, *graph.outputs), strict=True):
        named.setdefault(int(index), name)
    taken = set(named.values())
    for index, tensor in enumerate(graph.tensors):
        tensor.name = (named.get(index) or _short(tensor.name.decode(), taken)).encode()


def _short(name: str, taken: set[str]) -> str:
    """The first of the operations that were fused into one, without the scopes of the calls.

    Full names fill 5 kB of a 97 kB ResNet8, more than the contract.
    """
    short = _CALLS.sub("", name.split(";", 1)[0])
    unique, n = short, 1
    while unique in taken:
        unique, n = f"{short}_{n}", n + 1
    taken.add(unique)
    return unique


def _maps(schema: Any, names: Sequence[str], indices: Sequence[int]) -> list[Any]:
    maps = []
    for name, index in zip(names, indices, strict=True):
        entry = schema.TensorMapT()
        entry.name = name.encode()
        entry.tensorIndex = int(index)
        maps.append(entry)
    return maps


def edge_specs(
    model: Any, inputs: Sequence[str], outputs: Sequence[str]
) -> tuple[tuple[TensorSpec, ...], tuple[TensorSpec, ...]]:
    """What the file takes and gives, under the signature's names."""
    graph = model.subgraphs[0]
    return (
        tuple(_spec(n, graph.tensors[i]) for n, i in zip(inputs, graph.inputs, strict=True)),
        tuple(_spec(n, graph.tensors[i]) for n, i in zip(outputs, graph.outputs, strict=True)),
    )


def _spec(name: str, tensor: Any) -> TensorSpec:
    shape = tensor.shape if tensor.shapeSignature is None else tensor.shapeSignature
    scale, zero_point = None, 0
    quantization = tensor.quantization
    if quantization is not None and quantization.scale is not None and len(quantization.scale):
        scale, zero_point = float(quantization.scale[0]), int(quantization.zeroPoint[0])
    return TensorSpec(
        name=name,
        dtype=_DTYPES.get(tensor.type, str(tensor.type)),
        shape=tuple(None if d < 0 else int(d) for d in (() if shape is None else shape)),
        scale=scale,
        zero_point=zero_point,
    )


def operators(model: Any) -> Iterator[tuple[str, Any, Any]]:
    """Every operator of every graph: its name, itself, its graph."""
    names = _operator_names(model)
    for graph in model.subgraphs:
        for operator in graph.operators or ():
            yield names[operator.opcodeIndex], operator, graph


def _operator_names(model: Any) -> list[str]:
    from tensorflow.lite.python import schema_py_generated as schema

    builtin = {v: k for k, v in vars(schema.BuiltinOperator).items() if isinstance(v, int)}
    return [
        (code.customCode or b"CUSTOM").decode()
        if builtin.get(number) == "CUSTOM"
        else builtin.get(number, str(number))
        for code in model.operatorCodes
        for number in [max(code.builtinCode, code.deprecatedBuiltinCode)]
    ]


def float_operators(model: Any) -> tuple[str, ...]:
    """Names of the operators that compute in float, sorted, each once.

    The conversions at the edges between integer and float are not counted: they are what an
    integer graph with float in and out consists of.
    """
    found = set()
    for name, operator, graph in operators(model):
        touched = [i for i in (*operator.inputs, *operator.outputs) if i >= 0]
        if name not in _CONVERSIONS and any(graph.tensors[i].type in _FLOATS for i in touched):
            found.add(name)
    return tuple(sorted(found))

"""Read the graph of a ``.tflite`` file with the bounds-checked reader; nothing is run.

Field numbers and codes are those of TensorFlow Lite's ``schema.fbs``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from math import prod
from pathlib import Path

from edgewright.inspection.graph import FLOATS, Graph, Operation
from edgewright.inspection.tflite_macs import COMPUTE, macs_of
from edgewright.inspection.web import tflite_runtimes
from edgewright_runtimes.errors import BadInput
from edgewright_runtimes.flatbuffer import Table
from edgewright_runtimes.mapped_file import mapped
from edgewright_runtimes.records import TensorSpec
from edgewright_runtimes.tflite_file import (
    BUFFER_DATA,
    BUFFER_OFFSET,
    METADATA_NAME,
    MODEL_BUFFERS,
    MODEL_DESCRIPTION,
    MODEL_METADATA,
    MODEL_OPCODES,
    MODEL_SUBGRAPHS,
    SUBGRAPH_INPUTS,
    SUBGRAPH_OUTPUTS,
    SUBGRAPH_TENSORS,
    TENSOR_NAME,
    edge_names,
    read_metadata,
    read_model,
)

# TensorType of schema.fbs, by code
_DTYPES = """
    float32 float16 int32 uint8 int64 string bool int16 complex64 int8 float64 complex128 uint64
    resource variant uint32 uint16 int4 bfloat16 int2 uint4 float8_e4m3fn float8_e5m2
"""
_SUBGRAPH_OPERATORS = 3
_SHAPE, _TYPE, _BUFFER, _QUANTIZATION, _SHAPE_SIGNATURE = 0, 1, 2, 4, 7
_SCALE, _ZERO_POINT, _QUANTIZED_DIMENSION = 2, 3, 6
_OPCODE_OLD, _OPCODE_CUSTOM, _OPCODE = 0, 1, 3
_OPCODE_INDEX, _OP_INPUTS, _OP_OUTPUTS = 0, 1, 2
_CUSTOM = "CUSTOM"
_MAX_RANK = 32
_CONVERSIONS = frozenset({"QUANTIZE", "DEQUANTIZE"})


@dataclass(frozen=True, slots=True)
class Tensor:
    name: str
    dtype: str
    shape: tuple[int, ...]
    signature: tuple[int, ...]  # -1: free
    buffer: int
    constant: bool
    scales: int
    scale: float | None
    zero_point: int
    problem: str

    @property
    def quantized(self) -> bool:
        return self.scales > 0 and self.dtype not in FLOATS

    def spec(self, name: str) -> TensorSpec:
        shape = tuple(None if d < 0 else d for d in self.signature)
        scale = self.scale if self.quantized else None
        return TensorSpec(
            name=name, dtype=self.dtype, shape=shape, scale=scale, zero_point=self.zero_point
        )


def read_graph(path: Path) -> Graph:
    """Every subgraph's ops and tensors. Raises ``BadInput`` for a corrupt file."""
    with mapped(path) as data:
        model = read_model(data, where=str(path))
        names = [_op_name(code) for code in model.tables(MODEL_OPCODES)]
        filled = [_filled(buffer) for buffer in model.tables(MODEL_BUFFERS)]
        operations: list[Operation] = []
        tensors: list[list[Tensor]] = []
        subgraphs = list(model.tables(MODEL_SUBGRAPHS))
        if not subgraphs:
            raise BadInput(f"{path}: truncated or corrupt (no subgraph)")
        for subgraph in subgraphs:
            known = [_tensor(t, filled, str(path)) for t in subgraph.tables(SUBGRAPH_TENSORS)]
            tensors.append(known)
            for op in subgraph.tables(_SUBGRAPH_OPERATORS):
                operations.append(_operation(op, names, known, str(path)))
        weights = _weights(tensors)
        inputs = _edge(model, subgraphs[0], SUBGRAPH_INPUTS, tensors[0])
        outputs = _edge(model, subgraphs[0], SUBGRAPH_OUTPUTS, tensors[0])
        return Graph(
            format="tflite",
            inputs=inputs,
            outputs=outputs,
            operations=tuple(operations),
            parameters=sum(weights.values()),
            weights=weights,
            facts=_facts(model, len(subgraphs)),
            warnings=_warnings(tensors, operations),
            web_runtimes=tflite_runtimes(inputs, outputs, _custom(operations)),
        )


@cache
def builtin_names() -> tuple[str, ...]:
    """BuiltinOperator of schema.fbs: line n is op n."""
    text = resources.files("edgewright.inspection").joinpath("tflite_ops.txt").read_text()
    return tuple(text.split())


@cache
def dtypes() -> tuple[str, ...]:
    """numpy's names of TensorType, by code."""
    return tuple(_DTYPES.split())


def _op_name(code: Table) -> str:
    number = max(code.integer(_OPCODE_OLD, "b"), code.integer(_OPCODE, "i"))
    names = builtin_names()
    name = names[number] if 0 <= number < len(names) else f"op {number}"
    if name != _CUSTOM:
        return name
    custom = code.text(_OPCODE_CUSTOM, limit=4096)
    return custom if custom.startswith("Flex") else f"custom:{custom}"


def _filled(buffer: Table) -> bool:
    return buffer.length(BUFFER_DATA) > 0 or buffer.integer(BUFFER_OFFSET, "Q") > 1


def _tensor(table: Table, filled: Sequence[bool], where: str) -> Tensor:
    shape = table.numbers(_SHAPE, "i")
    signature = table.numbers(_SHAPE_SIGNATURE, "i") or shape
    if max(len(shape), len(signature)) > _MAX_RANK:
        raise BadInput(f"{where}: truncated or corrupt (a tensor of rank {len(shape)})")
    code, buffer = table.integer(_TYPE, "b"), table.integer(_BUFFER, "I")
    name = table.text(TENSOR_NAME)
    quantization = table.table(_QUANTIZATION)
    scales = quantization.reals(_SCALE) if quantization else ()
    points = quantization.numbers(_ZERO_POINT, "q") if quantization else ()
    axis = quantization.integer(_QUANTIZED_DIMENSION) if quantization else 0
    problem = ""
    if len(scales) > 1 and not (0 <= axis < len(shape) and shape[axis] == len(scales)):
        problem = f"tensor {name!r}: {len(scales)} scales along axis {axis} of {list(shape)}"
    return Tensor(
        name=name,
        dtype=dtypes()[code] if 0 <= code < len(dtypes()) else f"type {code}",
        shape=shape,
        signature=signature,
        buffer=buffer,
        constant=buffer < len(filled) and filled[buffer],
        scales=len(scales),
        scale=scales[0] if len(scales) == 1 else None,
        zero_point=points[0] if len(points) == 1 else 0,
        problem=problem,
    )


def _operation(op: Table, names: Sequence[str], tensors: Sequence[Tensor], where: str) -> Operation:
    index = op.integer(_OPCODE_INDEX, "I")
    if index >= len(names):
        raise BadInput(f"{where}: truncated or corrupt (op code {index} of {len(names)})")
    inputs, outputs = (
        [_pick(tensors, i, where) for i in op.numbers(field, "i")]
        for field in (_OP_INPUTS, _OP_OUTPUTS)
    )
    name = names[index]
    return Operation(
        name=name,
        precision=_precision(name, inputs, outputs),
        macs=macs_of(
            name,
            [(t.shape, t.constant) if t else None for t in inputs],
            [t.shape if t else None for t in outputs],
        ),
        label=next((t.name for t in outputs if t), ""),
    )


def _pick(tensors: Sequence[Tensor], index: int, where: str) -> Tensor | None:
    if index < 0:
        return None  # an optional input that is not given
    if index >= len(tensors):
        raise BadInput(f"{where}: truncated or corrupt (tensor {index} of {len(tensors)})")
    return tensors[index]


def _precision(name: str, inputs: Sequence[Tensor | None], outputs: Sequence[Tensor | None]) -> str:
    """What the op computes in, from its tensors.

    An op between float tensors whose weights are integers multiplies in a mix of both
    ("int8 weights"); an op on plain integers (shapes, indices) is neither.
    """
    if name.startswith(("custom:", "Flex", "op ")):
        return "unknown"
    if name in _CONVERSIONS:
        return "conversion"
    flowing = [t for t in (*inputs, *outputs) if t and not t.constant]
    floats = [t.dtype for t in flowing if t.dtype in FLOATS]
    if floats:
        stored = [t.dtype for t in inputs if t and t.constant and t.quantized]
        weighted = stored and name in COMPUTE
        return f"{stored[0]} weights" if weighted else floats[0]
    quantized = [t.dtype for t in flowing if t.quantized]
    return quantized[0] if quantized else "other"


def _edge(
    model: Table, subgraph: Table, field: int, tensors: Sequence[Tensor]
) -> tuple[TensorSpec, ...]:
    names = edge_names(model, field)
    indices = dict.fromkeys(subgraph.numbers(field, "i"))
    return tuple(tensors[i].spec(known[0]) for i, known in zip(indices, names, strict=True))


def _weights(subgraphs: Sequence[Sequence[Tensor]]) -> dict[str, int]:
    """Elements of constant tensors by dtype, shared buffers once; shapes and indices are none."""
    seen: set[int] = set()
    weights: dict[str, int] = {}
    for tensor in (t for tensors in subgraphs for t in tensors):
        if not tensor.constant or tensor.buffer in seen:
            continue
        seen.add(tensor.buffer)
        if tensor.quantized or tensor.dtype in FLOATS:
            weights[tensor.dtype] = weights.get(tensor.dtype, 0) + prod(tensor.shape)
    return weights


def _facts(model: Table, subgraphs: int) -> dict[str, str | int]:
    facts: dict[str, str | int] = {"description": model.text(MODEL_DESCRIPTION)}
    runtime = read_metadata(model, "min_runtime_version", limit=64)
    if runtime:
        facts["lowest runtime"] = runtime.rstrip(b"\0").decode("utf-8", "replace")
    if subgraphs > 1:
        facts["subgraphs"] = subgraphs
    facts["metadata"] = ", ".join(e.text(METADATA_NAME) for e in model.tables(MODEL_METADATA))
    return {name: value for name, value in facts.items() if value}


def _custom(operations: Sequence[Operation]) -> list[str]:
    return sorted({op.name for op in operations if op.precision == "unknown"})


def _warnings(
    subgraphs: Sequence[Sequence[Tensor]], operations: Sequence[Operation]
) -> tuple[str, ...]:
    problems = [t.problem for tensors in subgraphs for t in tensors if t.problem]
    custom = _custom(operations)
    flex = [name for name in custom if name.startswith("Flex")]
    others = [name for name in custom if not name.startswith("Flex")]
    said = []
    if problems:
        others_too = f", and {len(problems) - 1} tensors more" if len(problems) > 1 else ""
        said.append(f"malformed: {problems[0]}{others_too}; runtimes may refuse it")
    if others:
        said.append(f"needs ops that plain runtimes do not have: {', '.join(others)}")
    if flex:
        said.append(f"needs select TensorFlow (Flex) ops: {', '.join(flex)}")
    return tuple(said)

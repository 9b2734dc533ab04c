"""Profile of a ``.tflite`` file: its operators, who runs them, and the time of each alone.

LiteRT's Python wheel has no profiler. So each operator is cut out into a model of its own, with
its weights, and timed in the same runtime with the same threads: what it costs besides the others,
caches warm. The sum differs from the whole model's time, which is measured beside it: calls have a
fixed cost, and a delegate fuses what stands apart here.
"""

from __future__ import annotations

import copy
import statistics
import time
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from edgewright.explanations.profile import Op, Profile
from edgewright.inspection.tflite import builtin_names, read_graph
from edgewright_converters.mixed.layers import layers_of

if TYPE_CHECKING:
    from ai_edge_litert.interpreter import Interpreter

OP_SECONDS = 0.03  # for each operator, at least
WHOLE_SECONDS = 0.5
_EDGES = ("QUANTIZE", "DEQUANTIZE")
_NOT_ALONE = ("IF", "WHILE", "CALL", "CALL_ONCE", "VAR_HANDLE", "READ_VARIABLE", "ASSIGN_VARIABLE")
_SEED = 0


def profile(path: Path, threads: int) -> Profile:
    """Raises ``BadInput`` for a corrupt file, and whatever LiteRT raises for one it refuses."""
    known = read_graph(path).operations  # bounds-checked: only then it is parsed in full
    model = _parse(path)
    graph = model.subgraphs[0]
    interpreter = _open(path.read_bytes(), threads)
    outside, delegate = _outside(interpreter)
    edges = {int(i) for i in (*graph.inputs, *graph.outputs)}
    weights = _weights_of(model)
    ops = []
    for place, operator in enumerate(graph.operators):
        name, tensors = _op_name(model, operator), [int(i) for i in operator.outputs]
        made = graph.tensors[tensors[0]] if tensors else None
        ops.append(
            Op(
                op=name,
                name=known[place].label,
                layer=_layer(model, operator),
                precision=known[place].precision,
                macs=known[place].macs,
                channels=_last(made) if known[place].macs else None,
                zeros=weights.get(place),
                inside="" if place in outside or not delegate else delegate,
                edge=name in _EDGES
                and bool(edges & {*tensors, *(int(i) for i in operator.inputs)}),
                ns=_alone_ns(model, operator, name, threads),
            )
        )
    return Profile(
        format="tflite",
        ops=tuple(ops),
        whole_ns=_median_ns(interpreter, WHOLE_SECONDS),
        threads=threads,
        runtime=_runtime(),
        delegate=f"{delegate} ({len(ops) - len(outside)} of {len(ops)} ops)"
        if delegate
        else "none",
        how="of the sum of all operations, each timed alone in LiteRT",
    )


def _parse(path: Path) -> Any:
    from ai_edge_litert import schema_py_generated as schema

    return schema.ModelT.InitFromPackedBuf(path.read_bytes(), 0)


def _op_name(model: Any, operator: Any) -> str:
    code = model.operatorCodes[operator.opcodeIndex]
    number, names = max(code.builtinCode, code.deprecatedBuiltinCode), builtin_names()
    return names[number] if number < len(names) else f"op {number}"


def _layer(model: Any, operator: Any) -> str:
    """From the name of its first constant, the weights, else from that of what it makes."""
    tensors = model.subgraphs[0].tensors
    held = [int(i) for i in operator.inputs if _constant(model, int(i))]
    indices = [*held[:1], *(int(i) for i in operator.outputs[:1])]
    found = layers_of(";".join(tensors[i].name.decode(errors="replace") for i in indices))
    return found[0] if found else ""


def _constant(model: Any, index: int) -> bool:
    if index < 0:
        return False
    data = model.buffers[model.subgraphs[0].tensors[index].buffer].data
    return data is not None and len(data) > 0


def _last(tensor: Any) -> int | None:
    shape = None if tensor is None else tensor.shape
    return int(shape[-1]) if shape is not None and len(shape) else None


def _weights_of(model: Any) -> dict[int, float]:
    """The share of zeros in each operator's greatest constant; integers are symmetric."""
    graph, found = model.subgraphs[0], {}
    for place, operator in enumerate(graph.operators):
        held = [int(i) for i in operator.inputs if _constant(model, int(i))]
        data = [np.asarray(model.buffers[graph.tensors[i].buffer].data, np.uint8) for i in held]
        if not held:
            continue
        largest = max(range(len(held)), key=lambda i: data[i].size)
        kind = {0: "<f4", 9: "i1", 1: "<f2"}.get(graph.tensors[held[largest]].type)
        if kind is not None and data[largest].size >= 256:
            found[place] = float(np.mean(data[largest].view(kind) == 0))
    return found


def _outside(interpreter: Interpreter) -> tuple[set[int], str]:
    """Operators that run outside of the delegate, walked back from the outputs; its name."""
    details = interpreter._get_ops_details()
    plain = [op for op in details if op["op_name"] != "DELEGATE"]
    delegates = [op for op in details if op["op_name"] == "DELEGATE"]
    if not delegates:
        return {int(op["index"]) for op in plain}, ""
    maker = {int(t): op for op in [*plain, *delegates] for t in op["outputs"]}
    todo, seen = [int(d["index"]) for d in interpreter.get_output_details()], set()
    while todo:
        op = maker.get(todo.pop())
        if op is not None and int(op["index"]) not in seen:
            seen.add(int(op["index"]))
            todo.extend(int(t) for t in op["inputs"])
    return {int(op["index"]) for op in plain} & seen, "XNNPACK"


def _alone_ns(model: Any, operator: Any, name: str, threads: int) -> float | None:
    """The median time of the operator in a model of its own; ``None`` where that can't run."""
    if name in _NOT_ALONE:
        return None
    try:
        return _median_ns(_open(_cut_out(model, operator), threads), OP_SECONDS)
    except (RuntimeError, ValueError, TypeError, AttributeError):  # it needs more than itself
        return None


def _cut_out(model: Any, operator: Any) -> bytes:
    """A model of one operator: what it takes besides constants comes in, what it makes goes out."""
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    old = model.subgraphs[0].tensors
    places: dict[int, int] = {}
    buffers, tensors = [schema.BufferT()], list[Any]()
    for index in (int(i) for i in (*operator.inputs, *operator.outputs)):
        if index < 0 or index in places:
            continue
        tensor = copy.copy(old[index])
        tensor.buffer = 0
        if _constant(model, index):
            buffers.append(model.buffers[old[index].buffer])
            tensor.buffer = len(buffers) - 1
        places[index] = len(tensors)
        tensors.append(tensor)
    only = copy.copy(operator)
    only.opcodeIndex = 0
    only.inputs = [places.get(int(i), -1) for i in operator.inputs]
    only.outputs = [places[int(i)] for i in operator.outputs]
    graph = schema.SubGraphT()
    graph.tensors, graph.operators = tensors, [only]
    graph.inputs = [
        p for i, p in places.items() if i in list(operator.inputs) and not _constant(model, i)
    ]
    graph.outputs = only.outputs
    cut = schema.ModelT()
    cut.version, cut.subgraphs, cut.buffers = 3, [graph], buffers
    cut.operatorCodes = [model.operatorCodes[operator.opcodeIndex]]
    builder = flatbuffers.Builder(1024)
    builder.Finish(cut.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


def _open(content: bytes, threads: int) -> Interpreter:
    from ai_edge_litert.interpreter import Interpreter

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        interpreter = Interpreter(model_content=content, num_threads=threads)
    interpreter.allocate_tensors()
    generator = np.random.default_rng(_SEED)
    for details in interpreter.get_input_details():
        interpreter.set_tensor(details["index"], _values(generator, details))
    return interpreter


def _values(generator: np.random.Generator, details: Mapping[str, Any]) -> Any:
    dtype, shape = np.dtype(details["dtype"]), tuple(details["shape"])
    if dtype.kind == "f":
        return generator.random(shape).astype(dtype)
    if dtype == np.int8:
        return generator.integers(-128, 128, shape).astype(dtype)
    return np.zeros(shape, dtype)  # indices and shapes: zero is in range


def _median_ns(interpreter: Interpreter, seconds: float) -> float:
    invoke = interpreter.invoke
    for _ in range(5):
        invoke()
    samples, end = list[int](), time.perf_counter() + seconds
    while time.perf_counter() < end or len(samples) < 10:
        start = time.perf_counter_ns()
        invoke()
        samples.append(time.perf_counter_ns() - start)
        if len(samples) > 20_000:
            break
    return float(statistics.median(samples))


def _runtime() -> str:
    from importlib.metadata import version

    return f"ai-edge-litert {version('ai-edge-litert')}"

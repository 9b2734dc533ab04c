"""Changes to a float TFLite model in memory: tensors through 8 bits and back, weights, biases."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from edgewright_converters.formats.tflite_graph import model_file
from edgewright_converters.mixed.eight_bits import scale_and_zero

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

FLOAT32, INT8 = 0, 9  # TensorType of schema.fbs
_QUANTIZE, _DEQUANTIZE = 114, 6  # BuiltinOperator of schema.fbs
CHANNEL_AXIS: Mapping[str, int] = {  # of the weights, where each output channel has its scale
    "CONV_2D": 0,
    "DEPTHWISE_CONV_2D": 3,
    "FULLY_CONNECTED": 0,
    "TRANSPOSE_CONV": 0,
    "CONV_3D": 4,
}
_WEIGHTS_PLACE = dict.fromkeys(CHANNEL_AXIS, 1)
_BIAS_PLACE = 2
_BIASED = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")
NO_ACTIVATION = 0  # ActivationFunctionType of schema.fbs
MADE, SEEN = "/made", "/seen"  # of a tensor before and behind a pair


def weighted(model: Any) -> Iterator[tuple[str, Any, int]]:
    """Operators of the main graph with float constant weights: name, operator, tensor index."""
    graph = model.subgraphs[0]
    for name, operator, owner in model_file.operators(model):
        place = _WEIGHTS_PLACE.get(name)
        if owner is graph and place is not None:
            index = int(operator.inputs[place])
            if graph.tensors[index].type == FLOAT32 and is_constant(model, index):
                yield name, operator, index


def biased(model: Any) -> Iterator[tuple[int, int, Any]]:
    """Those of them that have a bias of their own: output tensor, bias tensor, operator."""
    reads = [int(i) for operator in model.subgraphs[0].operators for i in operator.inputs]
    for name, operator, _ in weighted(model):
        if name in _BIASED and len(operator.inputs) > _BIAS_PLACE:
            bias = int(operator.inputs[_BIAS_PLACE])
            if bias >= 0 and reads.count(bias) == 1 and is_constant(model, bias):
                yield int(operator.outputs[0]), bias, operator


def is_constant(model: Any, index: int) -> bool:
    data = model.buffers[model.subgraphs[0].tensors[index].buffer].data
    return data is not None and len(data) > 0


def read(model: Any, index: int) -> Array:
    import numpy as np

    tensor = model.subgraphs[0].tensors[index]
    raw = np.asarray(model.buffers[tensor.buffer].data, np.uint8)
    shape = () if tensor.shape is None else tuple(int(size) for size in tensor.shape)
    return raw.view("<f4").reshape(shape)


def write(model: Any, index: int, values: Array) -> None:
    """Into a buffer of its own where others share the old one."""
    import numpy as np
    from tensorflow.lite.python import schema_py_generated as schema

    tensor = model.subgraphs[0].tensors[index]
    if sum(t.buffer == tensor.buffer for graph in model.subgraphs for t in graph.tensors) > 1:
        model.buffers.append(schema.BufferT())
        tensor.buffer = len(model.buffers) - 1
    data = np.ascontiguousarray(values, "<f4").reshape(-1).view(np.uint8)
    model.buffers[tensor.buffer].data = data


def insert_pairs(model: Any, ranges: Mapping[int, tuple[float, float]]) -> None:
    """A QUANTIZE and a DEQUANTIZE behind each tensor, by index; the rest reads what comes out.

    A tensor that an operator makes keeps its name behind the pair, an input before it.
    """
    graph = model.subgraphs[0]
    inputs = {int(index) for index in graph.inputs}
    codes = {code: _opcode(model, code) for code in (_QUANTIZE, _DEQUANTIZE)}
    operators = []
    for index in sorted(inputs & set(ranges)):
        after = _copy(graph, index, SEEN, FLOAT32)
        for operator in graph.operators:
            operator.inputs = [after if int(i) == index else int(i) for i in operator.inputs]
        operators += _pair(graph, codes, index, after, ranges[index])
    for operator in graph.operators:
        operators.append(operator)
        made = [int(i) for i in operator.outputs]
        for place, index in enumerate(made):
            if index in ranges:
                made[place] = _copy(graph, index, MADE, FLOAT32)
                operators += _pair(graph, codes, made[place], index, ranges[index])
        operator.outputs = made
    graph.operators = operators


def _pair(
    graph: Any, codes: Mapping[int, int], before: int, after: int, span: tuple[float, float]
) -> list[Any]:
    from tensorflow.lite.python import schema_py_generated as schema

    middle = _copy(graph, before, "/int8", INT8)
    scale, zero = scale_and_zero(*span)
    quantization = schema.QuantizationParametersT()
    quantization.scale, quantization.zeroPoint = [scale], [zero]
    graph.tensors[middle].quantization = quantization
    made = []
    for code, taken, given in ((_QUANTIZE, before, middle), (_DEQUANTIZE, middle, after)):
        operator = schema.OperatorT()
        operator.opcodeIndex = codes[code]
        operator.inputs, operator.outputs = [taken], [given]
        made.append(operator)
    return made


def _copy(graph: Any, index: int, suffix: str, dtype: int) -> int:
    from tensorflow.lite.python import schema_py_generated as schema

    old, tensor = graph.tensors[index], schema.TensorT()
    tensor.shape, tensor.shapeSignature = old.shape, old.shapeSignature
    tensor.hasRank, tensor.type, tensor.buffer = old.hasRank, dtype, 0
    tensor.name = old.name + suffix.encode()
    graph.tensors.append(tensor)
    return len(graph.tensors) - 1


def _opcode(model: Any, code: int) -> int:
    from tensorflow.lite.python import schema_py_generated as schema

    for place, known in enumerate(model.operatorCodes):
        if max(known.builtinCode, known.deprecatedBuiltinCode) == code:
            return place
    entry = schema.OperatorCodeT()
    entry.builtinCode = entry.deprecatedBuiltinCode = code
    entry.version = 1
    model.operatorCodes.append(entry)
    return len(model.operatorCodes) - 1

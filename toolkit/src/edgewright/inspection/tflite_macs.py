"""Multiply-accumulates of TFLite ops, from the shapes of their tensors."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from edgewright.inspection.graph import matmul_macs

Shape = tuple[int, ...]
Input = tuple[Shape, bool] | None  # shape, and whether it is a constant

_RECURRENT = frozenset(
    {
        "BIDIRECTIONAL_SEQUENCE_LSTM",
        "BIDIRECTIONAL_SEQUENCE_RNN",
        "LSTM",
        "RNN",
        "SVDF",
        "UNIDIRECTIONAL_SEQUENCE_LSTM",
        "UNIDIRECTIONAL_SEQUENCE_RNN",
    }
)
COMPUTE = _RECURRENT | {
    "BATCH_MATMUL",
    "CONV_2D",
    "CONV_3D",
    "CONV_3D_TRANSPOSE",
    "DEPTHWISE_CONV_2D",
    "EMBEDDING_LOOKUP",
    "FULLY_CONNECTED",
    "TRANSPOSE_CONV",
}
_UNKNOWN = frozenset({"CALL", "CUSTOM", "DELEGATE", "IF", "WHILE", "CALL_ONCE"})
_SEQUENCES = frozenset(name for name in _RECURRENT if "SEQUENCE" in name)


def macs_of(name: str, inputs: Sequence[Input], outputs: Sequence[Shape | None]) -> int | None:
    """None where the file does not tell: custom and Flex ops, control flow, missing tensors."""
    if name in _UNKNOWN or name.startswith(("custom:", "Flex", "op ", "STABLEHLO_")):
        return None
    if name not in COMPUTE or name == "EMBEDDING_LOOKUP":
        return 0
    out = outputs[0] if outputs else None
    shapes = [given[0] if given else None for given in inputs]
    if out is None or len(shapes) < 2 or shapes[0] is None:
        return None
    if name in _RECURRENT:
        return _recurrent(name, inputs)
    if name == "BATCH_MATMUL":
        return matmul_macs(shapes[0], out)
    if name in ("TRANSPOSE_CONV", "CONV_3D_TRANSPOSE"):
        return _transposed(name, shapes)
    weights = shapes[1]
    return None if weights is None else prod(out) * _terms(name, weights)


def _terms(name: str, weights: Shape) -> int:
    """Products that make one output: CONV_2D [out, h, w, in], DEPTHWISE [1, h, w, out],
    CONV_3D [d, h, w, in, out], FULLY_CONNECTED [units, in]."""
    if name == "DEPTHWISE_CONV_2D":
        return prod(weights[1:3])
    return prod(weights[:-1]) if name == "CONV_3D" else prod(weights[1:])


def _transposed(name: str, shapes: Sequence[Shape | None]) -> int | None:
    """Every input element meets a whole kernel: weights [out, h, w, in] or [d, h, w, out, in]."""
    if len(shapes) < 3 or shapes[1] is None or shapes[2] is None:
        return None
    weights, data = shapes[1], shapes[2]
    return prod(data) * prod(weights[:-1])


def _recurrent(name: str, inputs: Sequence[Input]) -> int | None:
    """Each constant matrix is used once for each item of the batch at each step."""
    data = inputs[0]
    if data is None or not data[0]:
        return None
    steps = prod(data[0][:2]) if name in _SEQUENCES else data[0][0]
    matrices = [given[0] for given in inputs[1:] if given and given[1] and len(given[0]) == 2]
    return steps * sum(prod(shape) for shape in matrices)

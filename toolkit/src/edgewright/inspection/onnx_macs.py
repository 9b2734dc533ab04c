"""Multiply-accumulates of ONNX ops, from the shapes of their tensors."""

from __future__ import annotations

from collections.abc import Sequence

from edgewright.inspection.graph import Shape, elements, matmul_macs, product

# op -> the places of data and weights among its inputs
_CONVOLUTIONS = {"Conv": (0, 1), "ConvInteger": (0, 1), "QLinearConv": (0, 3)}
_PRODUCTS = frozenset({"MatMul", "MatMulInteger", "QLinearMatMul"})
_RECURRENT = frozenset({"GRU", "LSTM", "RNN"})
_UNKNOWN = frozenset({"", "Attention", "DeformConv", "If", "Loop", "Scan", "SequenceMap"})


def macs_of(
    name: str, inputs: Sequence[Shape], outputs: Sequence[Shape], equation: str
) -> int | None:
    """None where it cannot be known. ``name`` is empty for an op of another domain."""
    if name in _UNKNOWN:
        return None
    out = outputs[0] if outputs else None
    if name in _CONVOLUTIONS:  # weights [out, in / groups, k...]
        return product(elements(out), _tail(inputs, _CONVOLUTIONS[name][1]))
    if name == "ConvTranspose":  # weights [in, out / groups, k...], met by every input element
        return product(elements(_at(inputs, 0)), _tail(inputs, 1))
    if name == "Gemm" or name in _PRODUCTS:
        return matmul_macs(_at(inputs, 0), out)
    if name in _RECURRENT:  # data [steps, batch, in], weights [directions, gates, in or hidden]
        return _recurrent(inputs)
    if name == "Einsum":
        return _einsum(equation, inputs)
    return 0


def _at(shapes: Sequence[Shape], index: int) -> Shape:
    return shapes[index] if index < len(shapes) else None


def _tail(shapes: Sequence[Shape], index: int) -> int | None:
    shape = _at(shapes, index)
    return elements(shape[1:]) if shape else None


def _recurrent(inputs: Sequence[Shape]) -> int | None:
    data, weights, recurrence = (_at(inputs, index) for index in range(3))
    first, second = elements(weights), elements(recurrence)
    if not data or first is None or second is None:
        return None
    return product(*data[:2], first + second)


def _einsum(equation: str, inputs: Sequence[Shape]) -> int | None:
    """Every combination of the letters' values is one product."""
    terms = equation.replace(" ", "").split("->")[0].split(",")
    if "..." in equation or len(terms) != len(inputs):
        return None
    sizes: dict[str, int | None] = {}
    for term, shape in zip(terms, inputs, strict=True):
        if shape is None or len(shape) != len(term):
            return None
        sizes.update(zip(term, shape, strict=True))
    return product(*sizes.values())

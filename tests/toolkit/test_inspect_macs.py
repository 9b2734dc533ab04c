"""Multiply-accumulates from shapes alone, each against a count by hand."""

from __future__ import annotations

import pytest

from edgewright.inspection.graph import in_order, matmul_macs
from edgewright.inspection.onnx_macs import macs_of as onnx_macs
from edgewright.inspection.tflite_macs import macs_of

Shape = tuple[int, ...]


def flows(*shape: int) -> tuple[Shape, bool]:
    return shape, False


def stored(*shape: int) -> tuple[Shape, bool]:
    return shape, True


@pytest.mark.parametrize(
    ("name", "inputs", "out", "macs"),
    [
        ("CONV_2D", [flows(1, 8, 8, 2), stored(4, 3, 3, 2)], (1, 6, 6, 4), 6 * 6 * 4 * 9 * 2),
        ("DEPTHWISE_CONV_2D", [flows(1, 8, 8, 2), stored(1, 3, 3, 4)], (1, 6, 6, 4), 6 * 6 * 4 * 9),
        ("FULLY_CONNECTED", [flows(5, 6), stored(3, 6), None], (5, 3), 5 * 3 * 6),
        ("BATCH_MATMUL", [flows(2, 5, 6), flows(2, 6, 3)], (2, 5, 3), 2 * 5 * 6 * 3),
        ("BATCH_MATMUL", [flows(2, 6, 5), flows(2, 6, 3)], (2, 5, 3), 2 * 5 * 6 * 3),  # adj_x
        (
            "TRANSPOSE_CONV",
            [stored(4), stored(3, 2, 2, 5), flows(1, 4, 4, 5)],
            (1, 8, 8, 3),
            4 * 4 * 5 * 2 * 2 * 3,
        ),
        ("CONV_3D", [flows(1, 4, 4, 4, 2), stored(2, 2, 2, 2, 5)], (1, 3, 3, 3, 5), 27 * 5 * 16),
        (
            "UNIDIRECTIONAL_SEQUENCE_LSTM",
            [flows(1, 7, 5), *[stored(6, 5)] * 4, *[stored(6, 6)] * 4, stored(6), flows(1, 6)],
            (1, 7, 6),
            7 * 4 * (6 * 5 + 6 * 6),
        ),
        ("RESHAPE", [flows(1, 4), stored(2)], (2, 2), 0),
        ("WHILE", [flows(1)], (1,), None),
        ("custom:Thing", [flows(1)], (1,), None),
        ("FlexErf", [flows(1)], (1,), None),
        ("STABLEHLO_COMPOSITE", [flows(1)], (1,), None),
        ("CONV_2D", [flows(1, 8, 8, 2), None], (1, 6, 6, 4), None),
        ("CONV_2D", [], (1, 6, 6, 4), None),
    ],
)
def test_tflite_ops(  # type: ignore[no-untyped-def]
    name: str, inputs, out: Shape, macs: int | None
) -> None:
    assert macs_of(name, inputs, [out]) == macs


def test_an_lstm_of_onnx_runs_once_a_step() -> None:
    shapes = [(7, 1, 5), (2, 24, 5), (2, 24, 6)]
    assert onnx_macs("LSTM", shapes, [(7, 2, 1, 6)], "") == 7 * 2 * 24 * (5 + 6)


@pytest.mark.parametrize("name", ["Conv", "ConvTranspose", "Gemm", "MatMul", "LSTM", "Einsum"])
def test_onnx_ops_of_unknown_shape_are_unknown(name: str) -> None:
    assert onnx_macs(name, [None, None, None], [None], "ij,jk->ik") is None
    assert onnx_macs(name, [], [], "") is None


def test_a_product_of_vectors() -> None:
    assert matmul_macs((6,), (3,)) == 18
    assert matmul_macs((4, 6), (4,)) == 24
    assert matmul_macs((None, 6), (None, 3)) is None


def test_nodes_in_a_ring_keep_their_order() -> None:
    assert in_order({"b": ["a"], "a": [], "c": ["b", "elsewhere"]}) == ["a", "b", "c"]
    assert in_order({"b": ["a"], "a": ["b"]}) == ["b", "a"]

"""What a backend of TF.js does not run, or answers wrongly: found from the graph alone."""

from __future__ import annotations

from typing import Any

import pytest

from edgewright_converters.tfjs_graph.gaps import find_gaps, why_not
from edgewright_converters.tfjs_graph.kernels import BACKENDS, graph_ops, missing_kernels
from edgewright_converters.tfjs_graph.node_view import GraphNode
from edgewright_converters.tfjs_graph.wrong import RULES

EVERY = set(BACKENDS)
BOOL, FLOAT, INT32 = 10, 1, 3


class Known:
    """Constants by name; a shape is given as one where there are no values to it."""

    def __init__(self, **known: Any) -> None:
        self._known = known

    def integers(self, tensor: str) -> tuple[int, ...] | None:
        return self._known.get(tensor)

    def shape(self, tensor: str) -> tuple[int, ...] | None:
        return self._known.get(tensor)


def failing(
    op: str, known: Any = (), inputs: tuple[str, ...] = ("x",), **attributes: Any
) -> set[str]:
    words = {k: v for k, v in attributes.items() if isinstance(v[0], str)}
    numbers = {k: v for k, v in attributes.items() if not isinstance(v[0], str)}
    node = GraphNode(name="n", op=op, inputs=inputs, words=words, numbers=numbers)
    gaps = find_gaps([node], Known(**dict(known)))
    assert all(gap.node == "n" and op in gap.why and gap.hint for gap in gaps)
    return {backend for gap in gaps for backend in gap.backends}


@pytest.mark.parametrize(
    ("op", "backends"),
    [
        ("Relu", set()),
        ("While", set()),
        ("_FusedMatMul", set()),
        ("FFT", {"wasm"}),
        ("RFFT", {"wasm"}),  # by way of kernels that are not called after it
        ("Unique", {"webgpu"}),
        ("StaticRegexReplace", {"wasm", "webgpu"}),
        ("Lgamma", EVERY),
    ],
)
def test_an_op_needs_a_kernel_of_each_backend(op: str, backends: set[str]) -> None:
    assert failing(op) == backends


def test_every_op_asks_for_kernels_that_some_backend_has() -> None:
    assert all(len(missing_kernels(op)) < len(BACKENDS) for op in graph_ops())
    assert set(RULES) <= graph_ops()


SLICE = ("x", "b", "e", "s")
BAND = ("x", "low", "up")


@pytest.mark.parametrize(
    ("op", "attributes", "backends"),
    [
        ("Einsum", {"equation": ("ab,bc->ac",)}, {"wasm"}),
        ("Einsum", {"equation": ("bii->bi",)}, EVERY),
        ("Einsum", {"equation": ("...i->...",)}, EVERY),
        ("MaxPool", {"data_format": ("NCHW",)}, EVERY),
        ("MaxPool", {"data_format": ("NHWC",)}, set()),
        ("Conv2D", {"data_format": ("NCHW",), "strides": (1, 1, 1, 1)}, {"wasm"}),
        ("Conv2D", {"data_format": ("NCHW",), "strides": (1, 1, 2, 2)}, EVERY),
        ("MatrixBandPart", {"inputs": BAND, "known": {"low": (-1,), "up": (0,)}}, EVERY),
        ("MatrixBandPart", {"inputs": BAND, "known": {"low": (1,), "up": (1,)}}, set()),
        ("MatrixBandPart", {"inputs": BAND}, EVERY),
        (
            "StridedSlice",
            {"inputs": SLICE, "known": {"s": (1, 2)}, "shrink_axis_mask": (1,)},
            EVERY,
        ),
        (
            "StridedSlice",
            {"inputs": SLICE, "known": {"s": (1, 1)}, "shrink_axis_mask": (1,)},
            set(),
        ),
        ("StridedSlice", {"inputs": SLICE, "known": {"s": (1, 2)}}, set()),
        ("Cumsum", {"inputs": ("x", "a"), "known": {"a": (-1,)}}, EVERY),
        ("Cumsum", {"inputs": ("x", "a"), "known": {"a": (1,)}}, set()),
        ("FusedDepthwiseConv2dNative", {"fused_ops": ("BiasAdd", "LeakyRelu")}, EVERY),
        ("FusedDepthwiseConv2dNative", {"fused_ops": ("BiasAdd", "Relu")}, set()),
        ("Conv2DBackpropInput", {"dilations": (1, 2, 2, 1)}, EVERY),
        ("Conv2DBackpropInput", {"dilations": (1, 1, 1, 1)}, set()),
        ("BitwiseAnd", {}, EVERY),
        ("OneHot", {"T": (INT32,), "axis": (-1,)}, set()),
        ("OneHot", {"T": (INT32,), "axis": (1,)}, EVERY),
        ("OneHot", {"T": (FLOAT,)}, {"wasm"}),
        ("Cast", {"SrcT": (FLOAT,), "DstT": (BOOL,)}, {"wasm"}),
        ("Cast", {"SrcT": (FLOAT,), "DstT": (INT32,)}, set()),
        ("Dilation2D", {}, {"wasm"}),
        ("FloorDiv", {"T": (FLOAT,)}, {"webgl"}),
        ("FloorDiv", {"T": (INT32,)}, set()),
        ("SpaceToBatchND", {"inputs": ("x", "b"), "known": {"b": (2, 2, 2)}}, {"webgl"}),
        ("SpaceToBatchND", {"inputs": ("x", "b"), "known": {"b": (2, 2)}}, set()),
        ("DenseBincount", {"binary_output": (1,)}, {"webgpu"}),
        ("Transpose", {"T": (BOOL,)}, {"webgpu"}),
        ("Transpose", {"T": (FLOAT,)}, set()),
        ("DenseBincount", {"binary_output": (0,)}, set()),
    ],
)
def test_what_is_called_supported_and_is_not(
    op: str, attributes: dict[str, Any], backends: set[str]
) -> None:
    inputs = attributes.pop("inputs", ("x", "w", "y", "z"))
    assert failing(op, inputs=inputs, **attributes) == backends


@pytest.mark.parametrize(
    ("filters", "strides", "padding", "backends"),
    [
        ((1, 5, 3, 4), (1, 2, 1, 1), "SAME", {"wasm"}),
        ((1, 5, 3, 4), (1, 1, 2, 1), "SAME", set()),
        ((1, 5, 3, 4), (1, 2, 1, 1), "VALID", set()),
        ((1, 1, 3, 4), (1, 2, 2, 1), "SAME", set()),
        ((3, 3, 3, 4), (1, 2, 2, 1), "SAME", set()),
    ],
)
def test_thin_kernels_that_stride(
    filters: tuple[int, ...], strides: tuple[int, ...], padding: str, backends: set[str]
) -> None:
    got = failing("_FusedConv2D", {"w": filters}, ("x", "w"), strides=strides, padding=(padding,))
    assert got == backends


def test_each_backend_has_its_reasons_once() -> None:
    nodes = [GraphNode(name=f"n{i}", op="FFT") for i in range(3)]
    nodes.append(GraphNode(name="m", op="IFFT"))
    reasons = why_not(find_gaps(nodes, Known()))
    assert reasons == {
        "cpu": "",
        "wasm": "no kernel for op FFT; no kernel for op IFFT",
        "webgl": "",
        "webgpu": "",
    }

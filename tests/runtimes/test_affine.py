"""One formula of quantization: what ``predict`` and what a worker feed are the same bytes."""

from __future__ import annotations

import numpy as np
import pytest

from edgewright_runtimes.affine import dequantizer, quantizer
from edgewright_runtimes.feeds import InputReader
from edgewright_runtimes.records import TensorSpec
from edgewright_runtimes.results import OutputReader
from edgewright_runtimes.workload import dequantize, quantize

X = np.array([[-1e9, -1.25, -0.5, 0.0, 0.25, 0.75, 1.0, np.inf]], np.float32)


def spec(dtype: str, scale: float | None = 0.5, zero_point: int = 3) -> TensorSpec:
    return TensorSpec(name="x", dtype=dtype, shape=(1, 8), scale=scale, zero_point=zero_point)


def test_halves_go_to_even_and_the_ends_saturate() -> None:
    to_int8 = quantizer(spec("int8"))
    assert to_int8 is not None
    assert to_int8(X).tolist() == [[-128, 1, 2, 3, 3, 5, 5, 127]]
    assert to_int8(X[0, 2])[()] == 2  # no axes at all


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16"])
def test_apps_and_workers_agree(dtype: str) -> None:
    one = spec(dtype)
    q = quantize(X, one)
    assert q.dtype == dtype
    assert np.array_equal(InputReader(one).convert(X), q)
    real = dequantize(q, one)
    assert real.dtype == np.float32
    assert np.array_equal(OutputReader(one, 1).finish(q, single=False), real)
    assert np.array_equal(real, np.float32(0.5) * (q.astype(np.float32) - 3))


def test_what_is_not_quantized_has_no_formula() -> None:
    for one in (spec("int8", scale=None), spec("float32"), spec("string", scale=None)):
        assert quantizer(one) is None
        assert dequantizer(one) is None

"""Makes an ONNX graph smaller: float16, dynamic int8, static int8 (QDQ)."""

from __future__ import annotations

import warnings
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from edgewright_converters.formats.onnx_graph.ranges import Reader, narrowed

if TYPE_CHECKING:
    from edgewright_converters.formats.format import Calibration

DYNAMIC_OPS = ("MatMul", "Gemm")  # a convolution would become ConvInteger: older runtimes refuse it

# S8S8 and U8S8 agree to the label on the real models; reduce_range (7-bit weights) costs ResNet8
# 0.6 points (74.91 % for 75.50 %), more than int8 may. What it would guard against, 16-bit sums
# that saturate on x86 without VNNI, was not measured: no such machine was at hand.
INT8 = {
    "scheme": "int8",
    "weights": "int8 per channel",
    "activations": "int8",
    "pair": "S8S8",
    "reduce_range": False,
    "method": "QDQ, MinMax",
}


def to_float16(model: Any) -> Any:
    """Weights and computation in float16; inputs and outputs stay float32."""
    from onnxruntime.quantization.onnx_model import ONNXModel
    from onnxruntime.transformers.float16 import convert_float_to_float16

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # one for each weight that float16 rounds to zero
        converted = ONNXModel(convert_float_to_float16(model, keep_io_types=True))
    converted.topological_sort()  # the casts at the edges were added at the end
    return converted.model


def to_dynamic(model: Any) -> Any:
    """Int8 weights in MatMul and Gemm; their activations are quantized as they come."""
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic

    with TemporaryDirectory() as folder:
        prepared = prepare(model, Path(folder))
        out = Path(folder) / "dynamic.onnx"
        quantize_dynamic(
            prepared,
            out,
            op_types_to_quantize=list(DYNAMIC_OPS),
            weight_type=QuantType.QInt8,
        )
        return onnx.load(out)


def to_int8(model: Any, calibration: Calibration, *, batch: int | None) -> Any:
    """Static quantization: QuantizeLinear and DequantizeLinear pairs, weights per channel."""
    import onnx
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static

    with TemporaryDirectory() as folder:
        prepared = prepare(model, Path(folder))
        out = Path(folder) / "int8.onnx"
        reader = Reader(calibration, batch or 1)
        quantize_static(
            prepared,
            out,
            reader,
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            activation_type=QuantType.QInt8,
            weight_type=QuantType.QInt8,
            extra_options={"TensorQuantOverrides": narrowed(prepared, reader)},
        )
        return onnx.load(out)


def prepare(model: Any, folder: Path) -> Path:
    """Shapes inferred, batch normalization folded: what ONNX Runtime asks for beforehand."""
    import onnx
    from onnxruntime.quantization.shape_inference import quant_pre_process

    # symbolic shapes are for graphs without any; these have TensorFlow's, and attention's einsum
    # makes the symbolic kind give up
    given, out = folder / "given.onnx", folder / "prepared.onnx"
    onnx.save(model, given)  # a model in memory is taken apart into a file of weights, and spoilt
    quant_pre_process(given, out, skip_symbolic_shape=True)
    return out

"""Writes ONNX files, for ONNX Runtime 1.23 and later: opset 17 and up, IR version 10 at most.

Schemes: ``float32``; ``float16`` (float32 in and out); ``dynamic`` (int8 weights in MatMul and
Gemm alone); ``int8`` (static, QuantizeLinear and DequantizeLinear pairs, float in and out).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edgewright_converters.errors import ConversionError
from edgewright_converters.formats import trained_ranges
from edgewright_converters.formats.format import Written
from edgewright_converters.formats.frozen import freeze
from edgewright_converters.formats.onnx_graph import model_file, quantize
from edgewright_converters.formats.onnx_graph.graph import to_onnx
from edgewright_converters.mixed import write as options
from edgewright_converters.op_names import first_line

if TYPE_CHECKING:
    from pathlib import Path

    from edgewright_converters.formats.format import WriteRequest
    from edgewright_converters.sources.source import Source

FILE = "model.onnx"
NEARLY_FLOAT = 0.5  # of the weights: below it, "dynamic" is a name more than a change
_QUANTIZATION: dict[str, dict[str, Any]] = {
    "float32": {},
    "float16": {"scheme": "float16", "weights": "float16", "activations": "float16"},
    "dynamic": {"scheme": "dynamic", "weights": "int8", "activations": "float32"},
    "int8": quantize.INT8,
}


def write(source: Source, request: WriteRequest, folder: Path) -> Written:
    if options.options_of(request.variant) is not None:
        return options.write_onnx(source, request, folder, FILE)
    scheme = request.variant.scheme
    trained = request.ranges if scheme in trained_ranges.SCHEMES else None
    if trained is not None:
        source = trained_ranges.rounding_source(source, trained, pooling="nudged")
    elif scheme == "int8" and request.calibration is None:
        raise ConversionError(
            "int8 needs real data to find the ranges of the activations",
            hint="give it with --calibrate DATA",
        )
    model, opset = to_onnx(source, freeze(source, batch=request.batch), opset=request.opset)
    try:
        model = _apply(scheme, model, request)
    except ConversionError:
        raise
    except Exception as e:  # ONNX Runtime's tools raise whatever their passes raise
        raise ConversionError(f"onnx {scheme}: {first_line(str(e))}") from e
    model_file.tidy(model)
    model_file.save(model, folder / FILE)
    details: dict[str, Any] = {"opset": opset, "ir_version": model.ir_version}
    warnings: tuple[str, ...] = ()
    if scheme in ("dynamic", "int8"):
        share = model_file.quantized_share(model)
        details["quantized_share"] = round(share, 4)
        warnings = _nearly_float(scheme, share)
    inputs, outputs = model_file.edge_specs(model)
    return Written(
        file=FILE,
        inputs=inputs,
        outputs=outputs,
        details=details,
        warnings=warnings,
        quantization=trained_ranges.ONNX_INT8 if trained else _QUANTIZATION[scheme],
    )


def _apply(scheme: str, model: Any, request: WriteRequest) -> Any:
    if scheme == "float16":
        return quantize.to_float16(model)
    if scheme == "dynamic":
        return quantize.to_dynamic(model)
    if scheme in trained_ranges.SCHEMES and request.ranges is not None:
        return trained_ranges.to_integers(model)
    if scheme == "int8" and request.calibration is not None:
        return quantize.to_int8(model, request.calibration, batch=request.batch)
    return model


def _nearly_float(scheme: str, share: float) -> tuple[str, ...]:
    if share >= NEARLY_FLOAT:
        return ()
    reason = "only MatMul and Gemm are quantized; int8 shrinks convolutions too"
    if scheme == "int8":
        reason = "ONNX Runtime's tools quantize no recurrent layers"
    return (f"nearly float: {share:.0%} of the weights are int8, for {reason}",)

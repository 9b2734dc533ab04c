"""Writes TFLite files.

Schemes: ``float32``; ``float16`` (weights); ``dynamic`` (int8 weights, float activations);
``int8`` (integer inside, float in and out); ``int8-io`` (integer in and out); ``int16x8``
(16-bit activations, 8-bit weights, float in and out). Select TensorFlow ("Flex") operators are
refused: neither LiteRT's own wheel nor tflite-runtime carries their kernels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edgewright_converters.errors import ConversionError
from edgewright_converters.formats import trained_ranges
from edgewright_converters.formats.format import Written
from edgewright_converters.formats.frozen import freeze
from edgewright_converters.formats.tflite_graph import converter, model_file
from edgewright_converters.mixed import write as options
from edgewright_converters.op_names import layer_of

if TYPE_CHECKING:
    from pathlib import Path

    from edgewright_converters.formats.format import WriteRequest
    from edgewright_converters.formats.frozen import FrozenGraph
    from edgewright_converters.sources.source import Source

FILE = "model.tflite"
_WITH_FALLBACK = ("int8", "int16x8")
_NO_INT16 = {"SQUARED_DIFFERENCE": "SquaredDifference"}  # LiteRT 2.3; layer normalization has one
_INT16 = 7  # of the TFLite schema's TensorType


def write(source: Source, request: WriteRequest, folder: Path) -> Written:
    if options.options_of(request.variant) is not None:
        return options.write_tflite(source, request, folder, FILE)
    scheme = request.variant.scheme
    trained = request.ranges if scheme in trained_ranges.SCHEMES else None
    if trained is not None:
        source = trained_ranges.rounding_source(source, trained, pooling="left")
    frozen = freeze(source, batch=request.batch)
    if trained is not None:
        content, mixed = trained_ranges.to_tflite(source, frozen, scheme), False
    else:
        content, mixed = _convert(source, frozen, request)
    model = model_file.parse(content)
    if scheme == "int16x8":
        _refuse_missing_kernels(model, frozen, source)
    model_file.name_edges(model, frozen.input_names, frozen.output_names)
    (folder / FILE).write_bytes(model_file.serialize(model))
    inputs, outputs = model_file.edge_specs(model, frozen.input_names, frozen.output_names)
    details: dict[str, Any] = {}
    warnings: list[str] = []
    float_ops = model_file.float_operators(model)
    if scheme in converter.INTEGER and float_ops:
        mixed = True
    if mixed:
        details = {"scheme_in_force": f"{scheme}-mixed", "float_ops": list(float_ops)}
        warnings.append(
            f"{scheme}-mixed: no {scheme} kernel, kept in float: {', '.join(float_ops)}"
        )
    if source.stateful:
        details["state"] = "may be kept between invokes: reset before each item"
    return Written(
        file=FILE,
        inputs=inputs,
        outputs=outputs,
        details=details,
        warnings=tuple(warnings),
        quantization=_quantization(scheme, mixed) | (trained_ranges.NOTE if trained else {}),
    )


def _convert(source: Source, frozen: FrozenGraph, request: WriteRequest) -> tuple[bytes, bool]:
    """The file's bytes, and whether floats had to be let in."""
    scheme = request.variant.scheme

    def attempt(*, float_fallback: bool) -> bytes:
        return converter.convert(
            source,
            frozen,
            scheme,
            batch=request.batch,
            calibration=request.calibration,
            float_fallback=float_fallback,
        )

    if scheme not in _WITH_FALLBACK or request.calibration is None:
        return attempt(float_fallback=False), False
    try:
        return attempt(float_fallback=False), False
    except ConversionError:
        return attempt(float_fallback=True), True


def _refuse_missing_kernels(model: Any, frozen: FrozenGraph, source: Source) -> None:
    """The converter writes these in 16 bits all the same, and the file fails when it is run."""
    written = {
        name
        for name, operator, graph in model_file.operators(model)
        if name in _NO_INT16 and graph.tensors[operator.inputs[0]].type == _INT16
    }
    for name in sorted(written):
        graph = frozen.graph
        places = [op.name for op in graph.get_operations() if op.type == _NO_INT16[name]]
        layers = sorted({repr(layer_of(place, source)) for place in places})
        raise ConversionError(
            f"tflite int16x8: LiteRT has no 16-bit kernel for {name} of {', '.join(layers[:3])}",
            hint="take int8 or dynamic",
        )


def _quantization(scheme: str, mixed: bool) -> dict[str, Any]:
    name = f"{scheme}-mixed" if mixed else scheme
    weights = {"float16": "float16", "dynamic": "int8"}.get(scheme, "int8 per channel")
    if scheme == "float32":
        return {}
    if scheme in ("float16", "dynamic"):
        return {"scheme": name, "weights": weights, "activations": "float32"}
    activations = "int16" if scheme == "int16x8" else "int8"
    return {"scheme": name, "weights": weights, "activations": activations}

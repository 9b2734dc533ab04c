"""Writes int8 artifacts with options: mixed precision, corrected biases. The formats' writers
hand over to it where a variant's ``quantize`` step has any.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from edgewright_converters.compression.fields import read_fields
from edgewright_converters.compression.quantize import Quantize
from edgewright_converters.errors import ConversionError
from edgewright_converters.formats.format import Calibration, Written
from edgewright_converters.mixed.bias import corrected
from edgewright_converters.mixed.layers import known_layers
from edgewright_converters.mixed.search import Found, Limits, search
from edgewright_converters.mixed.tensors import FloatModel, select
from edgewright_converters.op_names import first_line
from edgewright_runtimes.errors import EdgewrightError

if TYPE_CHECKING:
    from pathlib import Path

    from edgewright_converters.formats.format import WriteRequest
    from edgewright_converters.sources.source import Source
    from edgewright_runtimes.records import Variant

SEARCH_ITEMS = 256  # of the calibration: what every trial is run on
RANGES_DROPPED = "the ranges that qat trained are not used: quantize's options calibrate anew"


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """The artifact's bytes, and what is not int8 in it."""

    content: bytes
    not_int8: tuple[str, ...]  # activations, by name
    details: Mapping[str, Any]


def options_of(variant: Variant) -> Quantize | None:
    """Those of the variant's ``quantize`` step; ``None`` where it is plain or there is none."""
    last = variant.steps[-1] if variant.steps else None
    if last is None or last.kind != "quantize" or not last.label:
        return None
    return read_fields(Quantize, last.params, where="quantize")


def write_tflite(source: Source, request: WriteRequest, folder: Path, file: str) -> Written:
    from edgewright_converters.formats.frozen import freeze
    from edgewright_converters.formats.tflite_graph import converter, model_file
    from edgewright_converters.mixed import tflite

    frozen = freeze(source, batch=request.batch)
    converter.refuse_loops(frozen, "int8", source)
    raw = converter.convert(source, frozen, "float32", batch=request.batch, calibration=None)
    edges = frozen.input_names, frozen.output_names
    model = tflite.open_model(
        raw, edges, _calibration(request), known=known_layers(source.as_keras())
    )
    chosen = _choose(model, request)
    parsed = model_file.parse(chosen.content)
    model_file.name_edges(parsed, *edges)
    (folder / file).write_bytes(model_file.serialize(parsed))
    inputs, outputs = model_file.edge_specs(parsed, *edges)
    float_ops = model_file.float_operators(parsed)
    details = {**chosen.details, "float_ops": list(float_ops)} if float_ops else chosen.details
    written = _written(request, chosen, file=file, inputs=inputs, outputs=outputs, details=details)
    return written if chosen.not_int8 or not float_ops else _without_kernels(written, float_ops)


def write_onnx(source: Source, request: WriteRequest, folder: Path, file: str) -> Written:
    import onnx as onnx_package

    from edgewright_converters.formats.frozen import freeze
    from edgewright_converters.formats.onnx_graph import model_file
    from edgewright_converters.formats.onnx_graph.graph import to_onnx
    from edgewright_converters.mixed import onnx

    converted, opset = to_onnx(source, freeze(source, batch=request.batch), opset=request.opset)
    model = onnx.open_model(
        converted,
        _calibration(request),
        batch=request.batch,
        known=known_layers(source.as_keras()),
    )
    chosen = _choose(model, request)
    parsed = onnx_package.ModelProto.FromString(chosen.content)
    model_file.save(parsed, folder / file)
    inputs, outputs = model_file.edge_specs(parsed)
    details = {
        **chosen.details,
        "opset": opset,
        "ir_version": parsed.ir_version,
        "quantized_share": round(model_file.quantized_share(parsed), 4),
    }
    return _written(request, chosen, file=file, inputs=inputs, outputs=outputs, details=details)


def _calibration(request: WriteRequest) -> Calibration:
    if request.calibration is None:
        raise ConversionError(
            "int8 needs real data to find the ranges of the activations",
            hint="give it with --calibrate DATA",
        )
    return request.calibration


def _choose(model: FloatModel, request: WriteRequest) -> Chosen:
    name = request.variant.name
    options = options_of(request.variant)
    if options is None:
        raise ConversionError(f"{name} has no options: a plain int8 has no choice")
    feeds = {n: v[:SEARCH_ITEMS] for n, v in _calibration(request).feeds.items()}
    try:
        kept, wide, content, details = _choice(model, feeds, options, name)
        if options.bias_correction:
            moved, details["bias_correction"] = corrected(model, feeds, (*kept, *wide))
            content = moved.integer(kept, wide)
    except EdgewrightError:
        raise
    except Exception as e:  # the quantizers raise whatever their passes raise
        raise ConversionError(f"{name}: {first_line(str(e))}") from e
    return Chosen(content=content, not_int8=(*kept, *wide), details=details)


def _choice(
    model: FloatModel, feeds: Mapping[str, Any], options: Quantize, name: str
) -> tuple[tuple[str, ...], tuple[str, ...], bytes, dict[str, Any]]:
    """What stays float, what goes to 16 bits, the artifact's bytes and what to tell of it."""
    if options.mixed:
        limits = _limits(options)
        found = _search(model, feeds, limits, name)
        kept, wide = ((), found.kept) if limits.wide else (found.kept, ())
        return kept, wide, found.content, {"mixed": _told(model, kept, wide) | _numbers(found)}
    kept = select(model.activations, options.keep_float, where="quantize.keep_float")
    wide = select(model.activations, options.int16, where="quantize.int16")
    details = {"mixed": _told(model, kept, wide)} if kept or wide else {}
    return kept, wide, model.integer(kept, wide), details


def _limits(options: Quantize) -> Limits:
    return Limits(
        max_loss=options.max_loss,
        min_sqnr_db=options.min_sqnr_db,
        max_size=options.max_size,
        wide=options.mixed == "search-int16",
    )


def _search(model: FloatModel, feeds: Mapping[str, Any], limits: Limits, name: str) -> Found:
    """Raises ``ConversionError`` where no choice holds the limits: a bad file is not written."""
    found = search(model, feeds, limits)
    if found.good:
        return found
    if found.damage.points is None:
        got = f"{found.damage.sqnr_db:.1f} dB (at least {limits.min_sqnr_db:g} wanted)"
    else:
        got = f"a loss of {found.damage.points:.2f} points (at most {limits.max_loss:g} wanted)"
    raise ConversionError(
        f"{name}: {found.trials} trials come to {got} at {found.size_ratio:.2f} times the int8 file"
        f" (at most {limits.max_size:g} wanted)",
        hint="equalize before it, qat, or raise max_size or max_loss",
    )


def _told(model: FloatModel, kept: tuple[str, ...], wide: tuple[str, ...]) -> dict[str, Any]:
    def layers(names: tuple[str, ...]) -> list[str]:
        return [t.layer or t.name for t in model.activations if t.name in names]

    return {"float": layers(kept), "int16": layers(wide)}


def _numbers(found: Found) -> dict[str, Any]:
    numbers: dict[str, Any] = {
        "trials": found.trials,
        "seconds": round(found.seconds, 2),
        "size_of_int8": round(found.size_ratio, 3),
        "sqnr_db": _rounded(found.damage.sqnr_db),
        "int8_sqnr_db": _rounded(found.int8_damage.sqnr_db),
    }
    if found.damage.points is not None and found.int8_damage.points is not None:
        numbers["points_lost"] = round(found.damage.points, 3)
        numbers["int8_points_lost"] = round(found.int8_damage.points, 3)
    return numbers


def _rounded(db: float) -> float | None:
    """JSON has no infinity."""
    return round(db, 2) if abs(db) < 1e6 else None


def _written(
    request: WriteRequest,
    chosen: Chosen,
    *,
    file: str,
    inputs: Any,
    outputs: Any,
    details: Mapping[str, Any],
) -> Written:
    scheme = "int8-mixed" if chosen.not_int8 else "int8"
    quantization = {
        "scheme": scheme,
        "weights": "int8 per channel",
        "activations": "int8, some wider" if chosen.not_int8 else "int8",
    }
    return Written(
        file=file,
        inputs=inputs,
        outputs=outputs,
        details={**details, "scheme_in_force": scheme},
        warnings=() if request.ranges is None else (RANGES_DROPPED,),
        quantization=quantization,
    )


def _without_kernels(written: Written, float_ops: tuple[str, ...]) -> Written:
    """Nothing was to stay float, and something did: said as the plain int8 writer says it."""
    said = f"int8-mixed: no int8 kernel, kept in float: {', '.join(float_ops)}"
    return replace(
        written,
        details={**written.details, "scheme_in_force": "int8-mixed"},
        quantization={**written.quantization, "scheme": "int8-mixed"},
        warnings=(*written.warnings, said),
    )

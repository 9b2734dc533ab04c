"""Writes ONNX files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edgewright_converters.formats.format import Written
from edgewright_converters.formats.frozen import freeze
from edgewright_converters.formats.onnx_graph.graph import to_onnx
from edgewright_runtimes.records import TensorSpec

if TYPE_CHECKING:
    from pathlib import Path

    from edgewright_converters.formats.format import WriteRequest
    from edgewright_converters.sources.source import Source

FILE = "model.onnx"


def write(source: Source, request: WriteRequest, folder: Path) -> Written:
    import onnx

    frozen = freeze(source, batch=request.batch)
    model, opset = to_onnx(source, frozen, opset=request.opset)
    onnx.save(model, folder / FILE)
    return Written(
        file=FILE,
        inputs=tuple(_spec(v) for v in model.graph.input),
        outputs=tuple(_spec(v) for v in model.graph.output),
        details={"opset": opset, "ir_version": model.ir_version},
    )


def _spec(value: Any) -> TensorSpec:
    import onnx

    tensor = value.type.tensor_type
    dtype = onnx.helper.tensor_dtype_to_np_dtype(tensor.elem_type).name
    return TensorSpec(
        name=value.name,
        dtype="string" if dtype == "object" else dtype,
        shape=tuple(d.dim_value if d.HasField("dim_value") else None for d in tensor.shape.dim),
    )

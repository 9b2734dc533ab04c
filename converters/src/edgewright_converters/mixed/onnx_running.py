"""Runs ONNX models from memory: outputs, ranges and means of tensors over calibration items."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from edgewright_converters.calibration import batches

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]
    Arrays = Mapping[str, Array]

_BATCH = 32  # where the model takes any
LITERAL = "as written"  # producer of a model whose pairs ONNX Runtime's optimizer is not to fuse


def run(content: bytes, feeds: Arrays) -> dict[str, Array]:
    """Outputs [items, ...] by name."""
    import numpy as np

    session = _open(content)
    names = [output.name for output in session.get_outputs()]
    rows = list(_runs(session, names, feeds))
    return {name: np.concatenate([row[i] for row in rows]) for i, name in enumerate(names)}


def observed_ranges(
    content: bytes, feeds: Arrays, names: Sequence[str]
) -> dict[str, tuple[float, float]]:
    """Least and greatest value of each tensor over all items."""
    ranges: dict[str, tuple[float, float]] = {}
    for row in _watched(content, feeds, names):
        for name, values in row.items():
            if values.dtype.kind == "f" and values.size:
                low, high = ranges.get(name, (float("inf"), float("-inf")))
                ranges[name] = min(low, float(values.min())), max(high, float(values.max()))
    return ranges


def channel_means(content: bytes, feeds: Arrays, name: str, *, axis: int) -> Array:
    """[channels] of a tensor, which lie on ``axis``: the mean over items and positions."""
    import numpy as np

    sums, count = [], 0
    for row in _watched(content, feeds, [name]):
        values = np.moveaxis(row[name], axis, -1)
        values = values.reshape(-1, values.shape[-1])
        sums.append(values.sum(axis=0, dtype=np.float64))
        count += len(values)
    result: Array = np.sum(sums, axis=0) / count
    return result


def sizes(content: bytes, feeds: Arrays, names: Sequence[str]) -> dict[str, int]:
    """Elements of each tensor for one item, as the first batch shows them."""
    row = next(_watched(content, feeds, names))
    items = min(len(values) for values in row.values()) or 1
    return {name: values.size // items for name, values in row.items()}


def _watched(content: bytes, feeds: Arrays, names: Sequence[str]) -> Iterator[dict[str, Array]]:
    """The named tensors' values, inputs among them, for one batch after the other."""
    import onnx

    model = onnx.ModelProto.FromString(content)
    given = {value.name for value in model.graph.input}
    held = {value.name for value in model.graph.output}
    asked = [name for name in names if name not in given]
    model.graph.output.extend(onnx.ValueInfoProto(name=n) for n in asked if n not in held)
    session = _open(model.SerializeToString())
    inputs = [name for name in names if name in given]
    for arrays, row in _pairs(session, asked, feeds):
        yield {**{name: arrays[name] for name in inputs}, **dict(zip(asked, row, strict=True))}


def _open(content: bytes) -> Any:
    import onnx
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    if onnx.ModelProto.FromString(content).producer_name == LITERAL:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


def _runs(session: Any, names: Sequence[str], feeds: Arrays) -> Iterator[list[Array]]:
    for _, row in _pairs(session, names, feeds):
        yield row


def _pairs(
    session: Any, names: Sequence[str], feeds: Arrays
) -> Iterator[tuple[dict[str, Array], list[Array]]]:
    items = min(len(values) for values in feeds.values())
    first = session.get_inputs()[0].shape
    fixed = first[0] if first and isinstance(first[0], int) else None
    batch = fixed or max(size for size in range(1, _BATCH + 1) if items % size == 0)
    for arrays in batches(feeds, batch):
        yield arrays, session.run(list(names), arrays)

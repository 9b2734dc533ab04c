"""Runs TFLite models from memory: outputs, ranges and means of tensors over calibration items."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from edgewright_converters.calibration import batches

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]
    Arrays = Mapping[str, Array]

Edges = tuple[tuple[str, ...], tuple[str, ...]]  # the signature's inputs and outputs


def run(content: bytes, edges: Edges, feeds: Arrays) -> dict[str, Array]:
    """Outputs [items, ...] by name."""
    import numpy as np

    interpreter = _open(content)
    outputs = [details["index"] for details in interpreter.get_output_details()]
    rows: list[list[Array]] = [[] for _ in outputs]
    for _ in _invoked(interpreter, edges[0], feeds):
        for row, index in zip(rows, outputs, strict=True):
            row.append(interpreter.get_tensor(index))
    return {name: np.concatenate(row) for name, row in zip(edges[1], rows, strict=True)}


def observed_ranges(
    content: bytes, edges: Edges, feeds: Arrays, indices: Sequence[int]
) -> dict[int, tuple[float, float]]:
    """Least and greatest value of each tensor over all items."""
    interpreter = _open(content, keep=True)
    ranges = dict.fromkeys(indices, (float("inf"), float("-inf")))
    for _ in _invoked(interpreter, edges[0], feeds):
        for index, (low, high) in ranges.items():
            values = interpreter.get_tensor(index)
            if values.size:
                ranges[index] = min(low, float(values.min())), max(high, float(values.max()))
    return {index: span for index, span in ranges.items() if span[0] <= span[1]}


def channel_means(content: bytes, edges: Edges, feeds: Arrays, name: str) -> Array:
    """[channels] of a tensor whose last axis they are: the mean over items and positions."""
    import numpy as np

    interpreter = _open(content, keep=True)
    index = next(d["index"] for d in interpreter.get_tensor_details() if d["name"] == name)
    means = []
    for _ in _invoked(interpreter, edges[0], feeds):
        values = interpreter.get_tensor(index)
        means.append(values.reshape(-1, values.shape[-1]).mean(axis=0, dtype=np.float64))
    result: Array = np.mean(means, axis=0)
    return result


def _open(content: bytes, *, keep: bool = False) -> Any:
    from ai_edge_litert.interpreter import Interpreter

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that keeping all tensors costs memory
        interpreter = Interpreter(
            model_content=content, num_threads=1, experimental_preserve_all_tensors=keep
        )
    interpreter.allocate_tensors()
    return interpreter


def _invoked(interpreter: Any, names: Sequence[str], feeds: Arrays) -> Iterator[None]:
    """Invokes the model once for each batch; what it made can be read until the next one."""
    indices = [details["index"] for details in interpreter.get_input_details()]
    shapes = [tuple(details["shape"]) for details in interpreter.get_input_details()]
    for arrays in batches(feeds, int(shapes[0][0]) if shapes and shapes[0] else 1):
        interpreter.reset_all_variables()
        for name, index in zip(names, indices, strict=True):
            interpreter.set_tensor(index, arrays[name])
        interpreter.invoke()
        yield

"""Feeds ONNX Runtime's calibration, and narrows the ranges a softmax or sigmoid does not need."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgewright_converters.calibration import DecisiveRange, batches

if TYPE_CHECKING:
    import numpy as np

    from edgewright_converters.formats.format import Calibration

    Feeds = dict[str, np.ndarray[Any, Any]]

_DECIDERS = ("Softmax", "Sigmoid")


class Reader:
    """ONNX Runtime's ``CalibrationDataReader``: one batch at a time, nothing kept."""

    def __init__(self, calibration: Calibration, batch: int) -> None:
        self._calibration = calibration
        self._batch = batch
        self.rewind()

    def rewind(self) -> None:
        self._left: Iterator[Feeds] = batches(self._calibration.feeds, self._batch)

    def get_next(self) -> Feeds | None:
        return next(self._left, None)


def narrowed(path: Path, reader: Reader) -> dict[str, list[dict[str, Any]]]:
    """``TensorQuantOverrides`` with a narrower range for each tensor that only decides.

    The items are run once through the float model; the reader is left rewound.
    """
    import numpy as np
    import onnx
    import onnxruntime

    model = onnx.load(path)
    axes = _deciders(model.graph)
    if not axes:
        return {}
    model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in axes)
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    decisive = {name: DecisiveRange(softmax=axis is not None) for name, axis in axes.items()}
    seen = {name: (np.inf, -np.inf) for name in axes}
    while (feeds := reader.get_next()) is not None:
        for name, logits in zip(axes, session.run(list(axes), feeds), strict=True):
            axis = axes[name]
            decisive[name].update(logits if axis is None else np.moveaxis(logits, axis, -1))
            least, greatest = seen[name]
            seen[name] = min(least, logits.min()), max(greatest, logits.max())
    reader.rewind()
    return {name: [_override(*decisive[name].within(*seen[name]))] for name in axes}


def _override(low: float, high: float) -> dict[str, Any]:
    import numpy as np

    return {"rmin": np.float32(low), "rmax": np.float32(high)}


def _deciders(graph: Any) -> dict[str, int | None]:
    """Tensors that nothing but one softmax (its axis) or sigmoid (None) reads."""
    made = {name for node in graph.node for name in node.output}
    outputs = {value.name for value in graph.output}
    readers: dict[str, list[Any]] = {}
    for node in graph.node:
        for name in node.input:
            readers.setdefault(name, []).append(node)
    return {
        name: _axis(nodes[0])
        for name, nodes in readers.items()
        if len(nodes) == 1 and nodes[0].op_type in _DECIDERS
        if name in made and name not in outputs
    }


def _axis(node: Any) -> int | None:
    if node.op_type != "Softmax":
        return None
    return next((int(a.i) for a in node.attribute if a.name == "axis"), -1)

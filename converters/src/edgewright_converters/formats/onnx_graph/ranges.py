"""Feeds ONNX Runtime's calibration, and narrows the ranges a softmax or sigmoid does not need."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgewright_converters.calibration import DecisiveRange, batches
from edgewright_converters.formats.onnx_graph import heads

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


@dataclass(kw_only=True)
class _Watch:
    """One tensor of logits: what the items need of its range. ``axis`` is that of a softmax."""

    logits: str
    axis: int
    decisive: DecisiveRange
    dense: heads.DenseHead | None
    seen: list[float] = field(default_factory=lambda: [float("inf"), float("-inf")])

    @property
    def names(self) -> list[str]:
        return [self.logits, *([self.dense.features] if self.dense else [])]

    def update(self, values: Mapping[str, np.ndarray[Any, Any]]) -> None:
        import numpy as np

        logits = values[self.logits]
        self.decisive.update(np.moveaxis(logits, self.axis, -1))
        self.seen = [min(self.seen[0], logits.min()), max(self.seen[1], logits.max())]
        if self.dense:
            self.dense.update(values[self.dense.features])


def narrowed(path: Path, reader: Reader) -> dict[str, list[dict[str, Any]]]:
    """``TensorQuantOverrides`` with a narrower range for each tensor that only decides.

    The items are run once through the float model at ``path``; the reader is left rewound. Where
    a Gemm makes a softmax's logits, they are moved to where 8 bits tell them apart: the file is
    then written anew.
    """
    import numpy as np
    import onnx

    model = onnx.load(path)
    watched = _deciders(model.graph)
    if not watched:
        return {}
    for values in _observe(model, reader, sorted({n for w in watched for n in w.names})):
        for watch in watched:
            watch.update(values)
    reader.rewind()
    overrides = {}
    for watch in watched:
        moved = watch.dense and watch.dense.recentre(model.graph)
        low, high = moved or watch.decisive.within(*watch.seen)
        overrides[watch.logits] = [{"rmin": np.float32(low), "rmax": np.float32(high)}]
    onnx.save(model, path)
    return overrides


def _observe(model: Any, reader: Reader, names: list[str]) -> Iterator[Feeds]:
    """The named tensors' values, for one batch after the other."""
    import onnx
    import onnxruntime

    watched = onnx.ModelProto()
    watched.CopyFrom(model)
    watched.graph.output.extend(
        onnx.ValueInfoProto(name=name)
        for name in names
        if name not in {value.name for value in (*model.graph.output, *model.graph.input)}
    )
    given = {value.name for value in model.graph.input}
    asked = [name for name in names if name not in given]
    session = onnxruntime.InferenceSession(
        watched.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    while (feeds := reader.get_next()) is not None:
        yield {**feeds, **dict(zip(asked, session.run(asked, feeds), strict=True))}


def _deciders(graph: Any) -> list[_Watch]:
    """Tensors that nothing but one softmax or sigmoid reads."""
    made = {name for node in graph.node for name in node.output}
    outputs = {value.name for value in graph.output}
    readers: dict[str, list[Any]] = {}
    for node in graph.node:
        for name in node.input:
            readers.setdefault(name, []).append(node)
    return [
        _watch(graph, name, nodes[0])
        for name, nodes in readers.items()
        if len(nodes) == 1 and nodes[0].op_type in _DECIDERS
        if name in made and name not in outputs
    ]


def _watch(graph: Any, logits: str, reader: Any) -> _Watch:
    softmax = reader.op_type == "Softmax"
    return _Watch(
        logits=logits,
        axis=next((int(a.i) for a in reader.attribute if a.name == "axis"), -1),
        decisive=DecisiveRange(softmax=softmax),
        dense=heads.find(graph, logits) if softmax else None,
    )

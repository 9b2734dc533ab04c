"""Finds the dense layers in front of a softmax in a float TFLite model, and moves their logits."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from edgewright_converters.formats.tflite_graph import model_file
from edgewright_converters.softmax_head import ROOM, Head, decisive_range, recentred

if TYPE_CHECKING:
    import numpy as np

_NO_ACTIVATION = 0


@dataclass(kw_only=True)
class DenseHead:
    """Indices of a FULLY_CONNECTED's tensors, and its inputs [1, features] as they are seen."""

    features: int
    weights: int
    bias: int
    seen: list[np.ndarray[Any, Any]] = field(default_factory=list)

    def update(self, values: np.ndarray[Any, Any]) -> None:
        if (len(self.seen) + 1) * values.size <= ROOM:
            self.seen.append(values.reshape(-1, values.shape[-1]).copy())


def find(model: Any, logits: int) -> DenseHead | None:
    """The layer that makes the tensor ``logits``, where its weights are its own."""
    graph = model.subgraphs[0]
    for name, operator, owner in model_file.operators(model):
        if owner is graph and logits in operator.outputs and name == "FULLY_CONNECTED":
            indices = [int(i) for i in operator.inputs]
            plain = operator.builtinOptions.fusedActivationFunction == _NO_ACTIVATION
            if plain and len(indices) == 3 and all(_own(model, i) for i in indices[1:]):
                return DenseHead(features=indices[0], weights=indices[1], bias=indices[2])
    return None


def _own(model: Any, index: int) -> bool:
    """A float constant that one operator alone reads, through one tensor alone."""
    if index < 0:
        return False
    tensors = [t for graph in model.subgraphs for t in graph.tensors]
    tensor = model.subgraphs[0].tensors[index]
    data = model.buffers[tensor.buffer].data
    readers = sum(
        list(operator.inputs).count(index)
        for _, operator, graph in model_file.operators(model)
        if graph is model.subgraphs[0]
    )
    shared = sum(t.buffer == tensor.buffer for t in tensors) > 1
    return data is not None and len(data) > 0 and tensor.type == 0 and readers == 1 and not shared


def recentre(model: Any, dense: DenseHead) -> tuple[float, float] | None:
    """Move the layer's logits where it pays; returns the range they then need."""
    import numpy as np

    if not dense.seen:
        return None
    features = np.concatenate(dense.seen)
    head = Head(weights=_read(model, dense.weights).T, bias=_read(model, dense.bias))
    moved = recentred(head, features)
    if moved is None:
        return None
    _write(model, dense.weights, moved.weights.T)
    _write(model, dense.bias, moved.bias)
    return decisive_range(moved, features)


def _read(model: Any, index: int) -> np.ndarray[Any, Any]:
    import numpy as np

    tensor = model.subgraphs[0].tensors[index]
    raw = np.asarray(model.buffers[tensor.buffer].data, np.uint8)
    values: np.ndarray[Any, Any] = raw.view("<f4").reshape(tensor.shape)
    return values


def _write(model: Any, index: int, values: np.ndarray[Any, Any]) -> None:
    import numpy as np

    buffer = model.buffers[model.subgraphs[0].tensors[index].buffer]
    buffer.data = np.ascontiguousarray(values, "<f4").reshape(-1).view(np.uint8)

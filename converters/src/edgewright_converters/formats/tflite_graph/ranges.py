"""Narrows the calibrated ranges that an int8 softmax or sigmoid does not need in full."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from edgewright_converters.calibration import DecisiveRange
from edgewright_converters.formats.tflite_graph import heads, model_file

if TYPE_CHECKING:
    import numpy as np

    Feed = Callable[[], Iterator[list[np.ndarray[Any, Any]]]]

_DECIDERS = ("SOFTMAX", "LOGISTIC")


def narrow(calibrated: bytes, feed: Feed) -> bytes:
    """``calibrated`` is a float model whose tensors carry min and max; so is what comes back.

    The items are run once more through the float model, to see what each item's logits decide.
    Where a dense layer makes them, they are moved to where 8 bits tell them apart.
    """
    model = model_file.parse(calibrated)
    deciders = _deciders(model)
    if not deciders:
        return calibrated
    dense = {i: heads.find(model, i) for i, d in deciders.items() if d.softmax}
    found = {i: head for i, head in dense.items() if head is not None}
    watched: list[tuple[int, Any]] = [*deciders.items()]
    watched += [(head.features, head) for head in found.values()]
    for values in _observe(calibrated, feed, [index for index, _ in watched]):
        for (_, watcher), array in zip(watched, values, strict=True):
            watcher.update(array)
    for index, decisive in deciders.items():
        quantization = model.subgraphs[0].tensors[index].quantization
        moved = heads.recentre(model, found[index]) if index in found else None
        low, high = moved or decisive.within(float(quantization.min[0]), float(quantization.max[0]))
        quantization.min, quantization.max = [low], [high]
    return model_file.serialize(model)


def _deciders(model: Any) -> dict[int, DecisiveRange]:
    """Calibrated tensors of the main graph that nothing but one softmax or sigmoid reads."""
    graph = model.subgraphs[0]
    readers: dict[int, list[str]] = {}
    for name, operator, owner in model_file.operators(model):
        if owner is graph:
            for index in operator.inputs:
                readers.setdefault(int(index), []).append(name)
    outputs = {int(index) for index in graph.outputs}
    return {
        index: DecisiveRange(softmax=names[0] == "SOFTMAX")
        for index, names in readers.items()
        if len(names) == 1 and names[0] in _DECIDERS and index not in outputs
        if _is_calibrated(graph.tensors[index])
    }


def _is_calibrated(tensor: Any) -> bool:
    q = tensor.quantization
    return q is not None and q.min is not None and len(q.min) == 1


def _observe(
    content: bytes, feed: Feed, wanted: Sequence[int]
) -> Iterator[list[np.ndarray[Any, Any]]]:
    """The wanted tensors' values, for one batch after the other."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=content, experimental_preserve_all_tensors=True)
    inputs = [details["index"] for details in interpreter.get_input_details()]
    interpreter.allocate_tensors()
    for arrays in feed():
        for index, array in zip(inputs, arrays, strict=True):
            if tuple(interpreter.get_tensor(index).shape) != array.shape:
                interpreter.resize_tensor_input(index, array.shape)
                interpreter.allocate_tensors()
        for index, array in zip(inputs, arrays, strict=True):
            interpreter.set_tensor(index, array)
        interpreter.invoke()
        yield [interpreter.get_tensor(index) for index in wanted]

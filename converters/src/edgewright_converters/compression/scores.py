"""What a model is worth on held-back items: the task's metric, where it can be told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    from edgewright_converters.compression.context import Items

    Array = np.ndarray[Any, Any]

BATCH = 256


def score(model: Any, items: Items | None) -> tuple[dict[str, float], int]:
    """By metric name, and how many items were scored.

    ``accuracy`` (a share) where classes (whole numbers, or one-hot rows) fit the output, or marks
    of 0 and 1 one score (a probability over 0.5, a logit over 0); ``mae`` where the labels are
    other numbers. Nothing without labels.
    """
    if items is None or items.labels is None:
        return {}, 0
    outputs = predict(model, items)
    if len(outputs) != 1:
        return {}, 0
    (output,) = outputs.values()
    return _of_output(output, items.labels, _threshold(model, output)), len(items)


def predict(model: Any, items: Items) -> dict[str, Array]:
    """Outputs [items, ...] by name, in the order of the model's."""
    import numpy as np

    last = [model.layers[-1].name]  # a Sequential model has the one output, and no names
    names = [str(name) for name in getattr(model, "output_names", last)]
    parts: list[list[Array]] = [[] for _ in names]
    for start in range(0, len(items), BATCH):
        fed = feeds(model, {n: a[start : start + BATCH] for n, a in items.inputs.items()})
        for part, output in zip(parts, flat_outputs(model, fed), strict=True):
            part.append(output)
    return {name: np.concatenate(part) for name, part in zip(names, parts, strict=True)}


def feeds(model: Any, arrays: Mapping[str, Any]) -> Any:
    """Arrays, in the order of the model's inputs, in the structure that the model takes."""
    import keras

    structure = getattr(model, "_inputs_struct", None)
    if structure is None:  # a Sequential model
        structure = model.inputs[0]
    return keras.tree.pack_sequence_as(structure, list(arrays.values()))


def flat_outputs(model: Any, fed: Any) -> list[Array]:
    import keras

    return [keras.ops.convert_to_numpy(t) for t in keras.tree.flatten(model.predict_on_batch(fed))]


def _threshold(model: Any, output: Array) -> float:
    """Over which one score means class 1, as the training's own accuracy has it."""
    from edgewright_converters.compression.graph.flat import flatten
    from edgewright_converters.compression.training.objective import output_heads

    one_score = output.ndim == 2 and output.shape[1] == 1
    return 0.0 if one_score and output_heads(flatten(model))[0] == "plain" else 0.5


def _of_output(output: Array, labels: Array, threshold: float) -> dict[str, float]:
    import numpy as np

    one_score = output.ndim == 2 and output.shape[1] == 1
    if not one_score and _one_hot(labels, output.shape):
        labels = labels.argmax(axis=1)
    marks = labels.dtype.kind in "iu" and not (one_score and ((labels < 0) | (labels > 1)).any())
    if not marks:
        flat = output.reshape(len(output), -1), labels.reshape(len(labels), -1)
        same = flat[0].shape == flat[1].shape
        return {"mae": float(np.abs(flat[0] - flat[1]).mean())} if same else {}
    if output.ndim != 2 or labels.ndim != 1:
        return {}
    chosen = output[:, 0] > threshold if one_score else output.argmax(axis=1)
    return {"accuracy": float((chosen == labels).mean())}


def _one_hot(labels: Array, shape: tuple[int, ...]) -> bool:
    """Classes as rows of zeros with a one in each."""
    if labels.ndim != 2 or labels.shape != shape:
        return False
    return bool(((labels == 0) | (labels == 1)).all() and (labels.sum(axis=1) == 1).all())

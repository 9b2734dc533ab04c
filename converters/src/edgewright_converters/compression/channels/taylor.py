"""How much the loss would change without each unit, to first order, measured on data.

Molchanov et al. 2017 (arXiv:1611.06440): |activation x gradient|, summed over positions. Where a
layer's output is scaled and shifted by gamma and beta that sum is gamma x d/dgamma + beta x
d/dbeta, and likewise with kernel and bias where no batch norm follows: weights are all it needs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edgewright_converters.compression.channels import ranking
from edgewright_converters.compression.context import Items
from edgewright_converters.compression.scores import feeds

if TYPE_CHECKING:
    import numpy as np

    from edgewright_converters.compression.channels.analysis import Analysis
    from edgewright_converters.compression.channels.units import Ids

    Array = np.ndarray[Any, np.dtype[np.float64]]

ITEMS, BATCH = 2048, 32


def by_taylor(analysis: Analysis, model: Any, items: Items, *, seed: int) -> Array:
    """[units]: the mean over batches of |change of the loss|; ``model`` is the graph's own.

    The loss is that of the labels. Without labels there is nothing the model gets wrong, so that
    every gradient of a distance to itself is zero: the loss is then that of its own choices (the
    class it names), and for numbers their squares.
    """
    import numpy as np
    import tensorflow as tf

    parts = list(_parts(analysis))
    variables = [variable for variable, *_ in parts]
    loss = _loss(model, items)
    chosen = np.random.default_rng(seed).permutation(len(items))[:ITEMS]

    @tf.function  # type: ignore[untyped-decorator,unused-ignore]
    def gradients(given: Any, labels: Any) -> Any:
        with tf.GradientTape() as tape:
            value = loss(model(given, training=False), labels, given)
        return tape.gradient(value, [v.value for v in variables])

    total = np.zeros(analysis.count)
    for start in range(0, len(chosen), BATCH):
        rows = np.sort(chosen[start : start + BATCH])
        arrays = {n: tf.constant(np.asarray(a[rows])) for n, a in items.inputs.items()}
        labels = None if items.labels is None else tf.constant(items.labels[rows])
        found = gradients(feeds(model, arrays), labels)
        total += np.abs(_of_batch(parts, found, analysis.count)) * len(rows)
    return total / len(chosen)


def _of_batch(parts: list[tuple[Any, int, Ids]], found: list[Any], count: int) -> Array:
    import numpy as np

    change = np.zeros(count)
    for (variable, axis, units), gradient in zip(parts, found, strict=True):
        if gradient is None:
            continue
        product = np.asarray(variable, np.float64) * np.asarray(tf_dense(gradient), np.float64)
        others = tuple(a for a in range(product.ndim) if a != axis)
        np.add.at(change, units, product.sum(axis=others))
    return change


def tf_dense(gradient: Any) -> Any:
    """An embedding's gradient comes as rows."""
    import tensorflow as tf

    return tf.convert_to_tensor(gradient)


def _parts(analysis: Analysis) -> Any:
    """(variable, axis, units): what scales and shifts each made channel, last in its line."""
    for node in ranking.makers(analysis):
        units = analysis.makers[node.name][1]
        norm = ranking.norm_behind(analysis, node)
        if norm is not None:
            yield norm.layer.gamma, 0, units
            if norm.layer.center:
                yield norm.layer.beta, 0, units
            continue
        for held in analysis.weights[node.name]:
            if held.makes:
                yield node.layer.weights[held.index], held.axis, units


def _loss(model: Any, items: Items) -> Any:
    import keras

    from edgewright_converters.compression.graph.flat import flatten
    from edgewright_converters.compression.training.objective import make_objective, output_heads
    from edgewright_converters.compression.training.plan import FinetunePlan

    if items.labels is not None and len(model.outputs) == 1:
        given, _ = make_objective(model, FinetunePlan(teacher="labels"), items)
        return lambda outputs, labels, inputs: given(keras.tree.flatten(outputs), labels, inputs)
    heads = output_heads(flatten(model))

    def own_choices(outputs: Any, labels: Any, inputs: Any) -> Any:
        ops, total = keras.ops, 0.0
        for head, output in zip(heads, keras.tree.flatten(outputs), strict=True):
            if head == "softmax":
                total -= ops.mean(ops.log(ops.max(output, axis=-1) + 1e-7))
            elif head == "sigmoid":
                total -= ops.mean(ops.log(ops.maximum(output, 1 - output) + 1e-7))
            else:
                total += ops.mean(ops.square(output))
        return total

    return own_choices

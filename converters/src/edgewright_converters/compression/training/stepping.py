"""One training step and one scoring step, each as a single graph."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from edgewright_converters.compression.training.batch_norm import fused_batch_norm
from edgewright_converters.compression.training.objective import output_heads

if TYPE_CHECKING:
    from edgewright_converters.compression.context import Items
    from edgewright_converters.compression.training.batches import Batches
    from edgewright_converters.compression.training.constraint import Constraint
    from edgewright_converters.compression.training.objective import Loss

SCORED_AT_ONCE = 256


class Stepper:
    """Holds the graphs of ``model``; running sums of loss and hits stay inside the framework."""

    def __init__(
        self, model: Any, optimizer: Any, loss: Loss, constraints: Sequence[Constraint]
    ) -> None:
        import tensorflow as tf

        self._model, self._optimizer, self._loss = model, optimizer, loss
        self._constraints = constraints
        self._hits = _hits(model)
        self._sums = tf.Variable(tf.zeros(3), trainable=False)  # loss, hits, items
        self._trained: Callable[..., None] | None = None
        self._scored: Callable[..., None] | None = None

    def train(self, inputs: Sequence[Any], labels: Any) -> None:
        """Every call takes as many items as the first."""
        given = _tensors(inputs, labels)
        if self._trained is None:
            self._trained = _traced(self._train, given, items=len(inputs[0]))
        self._trained(*given)

    def score(self, items: Items, batches: Batches) -> dict[str, float]:
        """Mean loss, and accuracy where it can be told, of all ``items`` in their order."""
        self.reset()
        for start in range(0, len(items), SCORED_AT_ONCE):
            chosen = slice(start, start + SCORED_AT_ONCE)
            inputs = [
                array[chosen].astype(dtype, copy=False)
                for array, dtype in zip(items.inputs.values(), batches.dtypes.values(), strict=True)
            ]
            labels = None if items.labels is None else items.labels[chosen]
            given = _tensors(inputs, labels)
            if self._scored is None:
                self._scored = _traced(self._score, given, items=None)
            self._scored(*given)
        found = self.numbers()
        self.reset()
        return found

    def numbers(self) -> dict[str, float]:
        """Means since the last reset."""
        loss, hits, items = (float(value) for value in self._sums.numpy())
        if not items:
            return {}
        found = {"loss": loss / items}
        if not math.isnan(hits):
            found["accuracy"] = hits / items
        return found

    def reset(self) -> None:
        self._sums.assign([0.0, 0.0, 0.0])

    def _train(self, inputs: Sequence[Any], labels: Any) -> None:
        import keras
        import tensorflow as tf

        fed = _packed(self._model, inputs)
        weights = self._model.trainable_variables
        with tf.GradientTape() as tape:
            with fused_batch_norm(self._model):
                outputs = keras.tree.flatten(self._model(fed, training=True))
            penalties = self._model.losses
            loss = self._loss(outputs, labels, fed)
            total = tf.add_n([loss, *penalties]) if penalties else loss
        gradients = tape.gradient(total, [weight.value for weight in weights])
        pairs = [(g, w) for g, w in zip(gradients, weights, strict=True) if g is not None]
        for constraint in self._constraints:
            constraint.before_update()
        self._optimizer.apply_gradients(pairs)
        for constraint in self._constraints:
            constraint.after_update()
        self._count(total, outputs, labels)

    def _score(self, inputs: Sequence[Any], labels: Any) -> None:
        import keras

        fed = _packed(self._model, inputs)
        outputs = keras.tree.flatten(self._model(fed, training=False))
        self._count(self._loss(outputs, labels, fed), outputs, labels)

    def _count(self, loss: Any, outputs: Sequence[Any], labels: Any) -> None:
        import tensorflow as tf

        items = tf.cast(tf.shape(outputs[0])[0], tf.float32)
        hits = math.nan if labels is None else self._hits(outputs, labels)
        self._sums.assign_add(tf.stack([loss * items, hits * items, items]))


def _traced(
    function: Callable[..., None], given: tuple[list[Any], Any], *, items: int | None
) -> Callable[..., None]:
    """A graph for such arguments, of so many items or (``None``) of any number."""
    import tensorflow as tf

    def specification(tensor: Any) -> Any:
        return tf.TensorSpec((items, *tensor.shape[1:]), tensor.dtype)

    inputs, labels = given
    specifications = [specification(tensor) for tensor in inputs]
    wanted = None if labels is None else specification(labels)
    graph: Callable[..., None] = tf.function(function, autograph=False).get_concrete_function(
        specifications, wanted
    )
    return graph


def _tensors(inputs: Sequence[Any], labels: Any) -> tuple[list[Any], Any]:
    import tensorflow as tf

    return (
        [tf.convert_to_tensor(array) for array in inputs],
        None if labels is None else tf.convert_to_tensor(labels),
    )


def _packed(model: Any, tensors: Sequence[Any]) -> Any:
    """As the model takes them: alone, in a list, in a dictionary."""
    from edgewright_converters.compression.scores import feeds

    return feeds(model, {str(place): tensor for place, tensor in enumerate(tensors)})


def _hits(model: Any) -> Callable[[Sequence[Any], Any], Any]:
    """The share of right classes in a batch; not a number where labels are no classes."""
    from edgewright_converters.compression.graph.flat import flatten

    head = output_heads(flatten(model))[0]

    def share(outputs: Sequence[Any], labels: Any) -> Any:
        import tensorflow as tf

        output = outputs[0]
        if len(outputs) > 1 or not (labels.dtype.is_integer or labels.dtype.is_bool):
            return math.nan
        if len(labels.shape) == len(output.shape) - 1 and output.shape[-1] != 1:
            chosen = tf.argmax(output, axis=-1)
        elif output.shape[-1] == 1 and len(output.shape) == 2:
            labels = tf.reshape(labels, [-1])
            chosen = tf.reshape(output > (0.0 if head == "plain" else 0.5), [-1])
        else:
            return math.nan
        same = tf.equal(tf.cast(chosen, tf.int64), tf.cast(labels, tf.int64))
        return tf.reduce_mean(tf.cast(same, tf.float32))

    return share

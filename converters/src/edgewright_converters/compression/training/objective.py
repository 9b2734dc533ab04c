"""What a model is trained to give: the labels, what another model gives, or both."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal

from edgewright_converters.compression.graph.flat import flatten
from edgewright_runtimes.errors import BadInput

if TYPE_CHECKING:
    import numpy as np

    from edgewright_converters.compression.context import Items
    from edgewright_converters.compression.graph.flat import Graph, Ref
    from edgewright_converters.compression.training.plan import FinetunePlan

    Array = np.ndarray[Any, Any]
    Loss = Callable[[Sequence[Any], Any, Any], Any]  # (outputs, labels, inputs) -> scalar

Head = Literal["softmax", "sigmoid", "plain"]
LEAST = 1e-7  # of a probability, before its logarithm is taken


def make_objective(
    model: Any, plan: FinetunePlan, items: Items, *, original: Any = None, before: Any = None
) -> tuple[Loss, tuple[str, ...]]:
    """The loss as a function in the graph, and what to tell the user about the choice.

    ``original`` and ``before`` are the models that a plan may name as its teacher.

    Raises ``BadInput`` where labels are wanted and missing, or do not fit the output.
    """
    teacher = plan.teacher
    notes: tuple[str, ...] = ()
    if teacher == "auto":
        teacher = "original" if items.labels is None else "labels"
        if teacher == "original":
            notes = ("no labels: it learnt from the model as it was (distillation)",)
    heads = output_heads(flatten(model))
    label_loss = distillation = None
    if teacher in ("labels", "both", "labels+before"):
        label_loss = _label_loss(model, plan, items.labels, heads)
    if teacher != "labels":
        named = teacher.removeprefix("labels+")
        taught_by = before if named == "before" else original
        if taught_by is None:
            what = "model from before" if named == "before" else "original model"
            raise BadInput(f"there is no {what} to learn from", hint="give labels")
        classes = items.labels is not None and items.labels.dtype.kind in "iu"
        distillation = _distillation(model, taught_by, heads, plan.temperature, classes=classes)
    share = plan.distillation_weight

    def loss(outputs: Sequence[Any], labels: Any, inputs: Any) -> Any:
        if distillation is None:
            assert label_loss is not None
            return label_loss(outputs, labels)
        taught = distillation(outputs, inputs)
        return (
            taught
            if label_loss is None
            else ((1 - share) * label_loss(outputs, labels) + share * taught)
        )

    return loss, notes


def output_heads(graph: Graph) -> list[Head]:
    """What each output's numbers are, told from what makes them."""
    return [_head(graph, ref) for ref in graph.outputs]


def _head(graph: Graph, ref: Ref) -> Head:
    node = graph.nodes[ref.node]
    if node.kind in ("Softmax", "Sigmoid"):
        return "softmax" if node.kind == "Softmax" else "sigmoid"
    name = getattr(getattr(node.layer, "activation", None), "__name__", "")
    if name in ("softmax", "sigmoid"):
        return "softmax" if name == "softmax" else "sigmoid"
    if node.kind in ("Reshape", "Flatten", "Identity", "Dropout"):
        return _head(graph, node.refs[0])
    return "plain"


def _label_loss(
    model: Any, plan: FinetunePlan, labels: Array | None, heads: Sequence[Head]
) -> Callable[[Sequence[Any], Any], Any]:
    if labels is None:
        raise BadInput(
            "the data has no labels, and the loss wants them",
            hint='add labels, or learn from the model as it was: finetune.teacher = "original"',
        )
    if len(model.outputs) != 1:
        raise BadInput(
            f"the model has {len(model.outputs)} outputs and the data one set of labels",
            hint='finetune.teacher = "original" needs no labels',
        )
    shape = tuple(model.outputs[0].shape)
    if plan.loss == "auto":
        keras_loss = _auto_loss(labels, shape, heads[0])
    else:
        keras_loss = _named_loss(plan.loss, heads[0])

    def loss(outputs: Sequence[Any], given: Any) -> Any:
        import keras

        output = outputs[0]
        if len(given.shape) == len(output.shape) - 1 and output.shape[-1] == 1:
            given = keras.ops.expand_dims(given, -1)
        return keras_loss(given, keras.ops.cast(output, "float32"))

    return loss


def _named_loss(name: str, head: Head) -> Any:
    """A Keras loss; of those that ask, told whether the output is logits."""
    import keras

    try:
        found = keras.losses.get(name)
    except ValueError:
        raise BadInput(
            f"no Keras loss is named {name!r}",
            hint="for example sparse_categorical_crossentropy, mean_squared_error, or auto",
        ) from None
    if isinstance(found, keras.losses.Loss):
        config = found.get_config()
        if "from_logits" in config:
            config["from_logits"] = head == "plain"
        return type(found).from_config(config)
    asks = "from_logits" in inspect.signature(found).parameters
    words = {"from_logits": head == "plain"} if asks else {}
    return lambda given, output: keras.ops.mean(found(given, output, **words))


def _auto_loss(labels: Array, shape: tuple[int | None, ...], head: Head) -> Any:
    """By the kind of labels: classes, classes as one-hot rows, marks of 0 and 1, or numbers."""
    import keras

    losses = keras.losses
    whole = labels.dtype.kind in "iub"
    if whole and labels.ndim == len(shape) - 1 and shape[-1] != 1:
        _check_classes(labels, shape[-1])
        return losses.SparseCategoricalCrossentropy(from_logits=head != "softmax")
    same = labels.shape[1:] == shape[1:] or (*labels.shape[1:], 1) == shape[1:]
    if not same:
        raise BadInput(
            f"the labels are {list(labels.shape)} and the output is {list(shape)}",
            hint="one class number per item, or values of the output's shape",
        )
    if head == "softmax":
        return losses.CategoricalCrossentropy()
    if head == "sigmoid" or whole:
        _check_classes(labels, 2)
        return losses.BinaryCrossentropy(from_logits=head != "sigmoid")
    return losses.MeanSquaredError()


def _check_classes(labels: Array, count: int | None) -> None:
    least, most = labels.min(), labels.max()
    if count is not None and (least < 0 or most >= count):
        wrong = least if least < 0 else most
        raise BadInput(f"a label is {wrong}; 0 to {count - 1} was expected")


def _distillation(
    model: Any, taught_by: Any, heads: Sequence[Head], temperature: float, *, classes: bool
) -> Callable[[Sequence[Any], Any], Any]:
    """Hinton, Vinyals, Dean 2015 for classes, cross entropy for marks, squares for the rest.

    An output without an activation holds logits where the labels are ``classes``. Where nothing
    says so it is matched as it is, which is right for logits too (Ba, Caruana 2014).
    """
    given = [tuple(t.shape) for t in taught_by.outputs]
    wanted = [tuple(t.shape) for t in model.outputs]
    if given != wanted:
        raise BadInput(f"the teacher gives {given} and this model {wanted}")
    kinds = ["softmax" if head == "plain" and classes else head for head in heads]

    def loss(outputs: Sequence[Any], inputs: Any) -> Any:
        import keras

        taught = keras.tree.flatten(taught_by(inputs, training=False))
        total = 0.0
        for student, teacher, head, kind in zip(outputs, taught, heads, kinds, strict=True):
            total = total + _distance(student, teacher, head, kind, temperature)
        return total

    return loss


def _distance(student: Any, teacher: Any, head: Head, kind: str, temperature: float) -> Any:
    import keras

    ops = keras.ops
    student, teacher = ops.cast(student, "float32"), ops.cast(teacher, "float32")
    if kind == "softmax":
        if head == "softmax":
            student = ops.log(ops.clip(student, LEAST, 1.0))
            teacher = ops.log(ops.clip(teacher, LEAST, 1.0))
        soft = ops.softmax(teacher / temperature)
        apart = ops.log_softmax(teacher / temperature) - ops.log_softmax(student / temperature)
        return temperature**2 * ops.mean(ops.sum(soft * apart, axis=-1))
    if kind == "sigmoid":
        return ops.mean(keras.losses.binary_crossentropy(teacher, student))
    return ops.mean(ops.square(student - teacher))

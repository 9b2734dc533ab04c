"""What the source and its data show of a recipe before anything is built or trained.

It knows the model as it comes, not what the steps will make of it: names of layers are looked up
for the steps that still find them, and a step may refuse later what an earlier one made.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from edgewright_converters.compression.catalogue import QUANTIZE
from edgewright_converters.compression.recipe import read_params
from edgewright_converters.compression.training.plan import FinetunePlan
from edgewright_runtimes.errors import BadInput, UsageError

if TYPE_CHECKING:
    import numpy as np

    from edgewright_converters.compression.augmentation import Augmentation
    from edgewright_converters.compression.context import Items
    from edgewright_runtimes.records import Step

    Array = np.ndarray[Any, Any]

LEARNING = ("finetune", "qat")  # the others do without data what can be done without
Places = tuple["Array | None", "Array | None"]
RENAMING = ("equalize", "qat")  # they fold and split layers: later patterns are of other names
TRIED_ITEMS = 2


class StepRefused(BadInput):
    """``number`` is the step's place in the recipe, ``field`` the way to what is at fault."""

    def __init__(self, error: UsageError, *, number: int, field: str = "") -> None:
        super().__init__(str(error.args[0]), hint=error.hint)
        self.number = number
        self.field = field


def check_layers(model: Any, steps: Sequence[Step]) -> None:
    """Raises ``StepRefused`` for a pattern that matches no layer of the source."""
    from edgewright_converters.compression.graph.flat import flatten
    from edgewright_converters.compression.selection import select

    graph = flatten(model)
    kinds = sorted({node.kind for node in graph.layers() if node.layer.weights})
    for number, step in enumerate(steps):
        if step.kind == QUANTIZE:
            return
        params = read_params(step.kind, step.params)
        for field in ("layers", "exclude"):
            try:
                select(graph, getattr(params, field, ()), known=kinds)
            except BadInput as e:
                raise StepRefused(e, number=number, field=field) from e
        if step.kind in RENAMING:
            return


def check_data(
    model: Any,
    steps: Sequence[Step],
    train: Items | None,
    held_back: Items | None,
    *,
    done: int = 0,
    places: Places = (None, None),
    augment: Augmentation | None = None,
) -> None:
    """What trains: its items fit, their labels are ones, the loss can be taken of them.

    The first ``done`` of ``steps`` train no more. ``places`` are, [items] each, the numbers by
    which a person knows the items of ``train`` and ``held_back``.
    Raises ``BadInput`` for the data, ``StepRefused`` for what a step makes of it.
    """
    from edgewright_converters.compression.training.feeding import check_items

    if train is None:
        _need_none(steps, done)
        return
    plans = [found for found in _plans(steps) if found[0] >= done]
    if not plans:
        return
    check_items(model, train)
    if not model.trainable_variables:
        raise BadInput(
            "every weight of the model is frozen: there is nothing to train",
            hint="set model.trainable = True, and save it again",
        )
    if held_back is not None:
        check_items(model, held_back, what="held-back")
    if augment is not None:
        augment.check(train)
    for number, way, plan in plans:
        if _reads_classes(plan):
            check_classes(model, train.labels, "--data", places[0])
            if held_back is not None:
                check_classes(model, held_back.labels, "--data", places[1])
        _try_loss(model, plan, train, number, way)


def _need_none(steps: Sequence[Step], done: int) -> None:
    for number, step in enumerate(steps):
        if step.kind in LEARNING and number >= done:
            error = BadInput(
                f"{step.kind} learns from data, and none was given", hint="add --data TRAIN"
            )
            raise StepRefused(error, number=number)


def _plans(steps: Sequence[Step]) -> Iterator[tuple[int, str, FinetunePlan]]:
    """(step's number, way to the plan's fields, plan) of every training that is to come."""
    for number, step in enumerate(steps):
        if step.kind == QUANTIZE:
            continue
        params = read_params(step.kind, step.params)
        nested = getattr(params, "finetune", None)
        if isinstance(params, FinetunePlan):
            yield number, "", params
        elif isinstance(nested, FinetunePlan) and nested.epochs:
            yield number, "finetune.", nested


def _reads_classes(plan: FinetunePlan) -> bool:
    labels = plan.teacher == "auto" or plan.teacher == "both" or "labels" in plan.teacher
    return labels and plan.loss in ("auto", "sparse_categorical_crossentropy")


def check_classes(
    model: Any, labels: Array | None, option: str, places: Array | None, *, marks: bool = True
) -> None:
    """Whole numbers for an output of so many classes; with ``marks`` 0 and 1 for one of one score.

    ``option`` is where they were given. Raises ``BadInput`` with the first item that is wrong.
    """
    import numpy as np

    shape = tuple(model.outputs[0].shape)
    if labels is None or len(model.outputs) != 1:
        return
    if labels.ndim != 1 or len(shape) != 2 or shape[-1] is None or (shape[-1] == 1 and not marks):
        return
    if labels.dtype.kind not in "iu":
        if shape[-1] > 1 and (labels == np.round(labels)).all():
            raise BadInput(
                f"the labels of {option} are {labels.dtype}, and the output has {shape[-1]} "
                "values: classes are whole numbers",
                hint='save y.astype("int64")',
            )
        return
    count = max(shape[-1], 2)
    wrong = np.flatnonzero((labels < 0) | (labels >= count))
    if not wrong.size:
        return
    first = int(wrong[0])
    item = first if places is None else int(places[first])
    values = "one value" if shape[-1] == 1 else f"{shape[-1]} values"
    raise BadInput(
        f"the label of item {item} of {option} is {labels[first]}; the output has {values}, so "
        f"that 0 to {count - 1} was expected ({len(wrong):,} of {len(labels):,} are outside)",
        hint=_mend_labels(labels, count, single=shape[-1] == 1),
    )


def _mend_labels(labels: Array, count: int, *, single: bool) -> str:
    if labels.min() == 1 and labels.max() == count:
        return "classes count from 0: save y - 1"
    if single:
        return 'numbers that are no classes are saved as such: y.astype("float32")'
    return "save labels that count the classes from 0, in the order of the output's values"


def _try_loss(model: Any, plan: FinetunePlan, train: Items, number: int, way: str) -> None:
    """The loss of two items, as the training will take it."""
    import keras

    from edgewright_converters.compression.context import Items
    from edgewright_converters.compression.scores import feeds
    from edgewright_converters.compression.training.objective import make_objective

    field = f"{way}loss" if plan.loss != "auto" else way.rstrip(".")
    try:
        loss, _ = make_objective(model, plan, train, original=model, before=model)
    except UsageError as e:
        raise StepRefused(e, number=number, field=field) from e
    labels = None if train.labels is None else train.labels[:TRIED_ITEMS]
    few = Items(inputs=_first(train.inputs), labels=labels)
    fed = feeds(model, few.inputs)
    outputs = keras.tree.flatten(model(fed, training=False))
    given = None if labels is None else keras.ops.convert_to_tensor(labels)
    try:
        loss(outputs, given, fed)
    except Exception as e:  # whatever a loss of Keras raises for what it can't take
        shapes = ", ".join(str(list(t.shape)) for t in model.outputs)
        of = "no labels" if labels is None else f"labels {['items', *labels.shape[1:]]}"
        words = " ".join(str(e).split())[:200]
        refused = BadInput(
            f"the loss {plan.loss!r} can't be taken of {of} and the output {shapes}: {words}",
            hint='loss = "auto" is chosen by the labels and the output',
        )
        raise StepRefused(refused, number=number, field=field) from e


def _first(inputs: Mapping[str, Array]) -> dict[str, Array]:
    import numpy as np

    return {name: np.asarray(array[:TRIED_ITEMS]) for name, array in inputs.items()}

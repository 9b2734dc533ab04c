"""What the source and its data show of a recipe is refused, with the step and the item at fault."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from edgewright_converters.compression.augmentation import Augmentation
from edgewright_converters.compression.context import Items
from edgewright_converters.compression.recipe import read_steps
from edgewright_converters.compression.refusals import (
    StepRefused,
    check_classes,
    check_data,
    check_layers,
)
from edgewright_runtimes.errors import BadInput

COUNT = 30
SEEN = np.random.default_rng(0).random((COUNT, 6), dtype=np.float32)
GOOD = np.arange(COUNT) % 4
PRUNE: Mapping[str, Any] = {"kind": "prune"}


@pytest.fixture(scope="module")
def classes() -> Any:
    units = [keras.layers.Dense(5, name="wide"), keras.layers.Dense(4, activation="softmax")]
    return keras.Sequential([keras.Input((6,)), *units])


@pytest.fixture(scope="module")
def score() -> Any:
    return keras.Sequential([keras.Input((6,)), keras.layers.Dense(1)])


def items(labels: Any, seen: Any = SEEN) -> Items:
    return Items(inputs={"x": seen}, labels=None if labels is None else np.asarray(labels))


def refused(model: Any, labels: Any, *tables: Mapping[str, Any], **more: Any) -> BadInput:
    with pytest.raises(BadInput) as error:
        check_data(model, read_steps(tables or [PRUNE]), items(labels), None, **more)
    return error.value


def test_what_can_be_learnt_from_is_let_through(classes: Any, score: Any) -> None:
    one_hot = np.eye(4, dtype=np.float32)[GOOD]
    for labels in (GOOD, one_hot, None):
        check_data(classes, read_steps([PRUNE]), items(labels), items(labels))
    for labels in (GOOD % 2, GOOD.astype(np.float32)):
        check_data(score, read_steps([PRUNE]), items(labels), None)
    check_data(classes, read_steps([PRUNE]), None, None)


def test_a_label_is_named_by_its_item(classes: Any) -> None:
    wrong = GOOD.copy()
    wrong[[7, 9]] = 12, -1
    error = str(refused(classes, wrong))
    assert "the label of item 7 of --data is 12; the output has 4 values, so that 0 to " in error
    assert "(2 of 30 are outside)" in error
    places = np.arange(COUNT) * 10
    assert "the label of item 70 of --data is 12" in str(
        refused(classes, wrong, places=(places, None))
    )
    with pytest.raises(BadInput, match="item 270 of --data is 12"):
        held_back = items(np.where(np.arange(COUNT) == 27, 12, GOOD))
        check_data(classes, read_steps([PRUNE]), items(GOOD), held_back, places=(places, places))


def test_what_only_scores_is_looked_at_as_scores_are(classes: Any, score: Any) -> None:
    with pytest.raises(BadInput, match=r"the label of item 3 of --check is 4; .*: save y - 1"):
        check_classes(classes, GOOD + 1, "--check", None, marks=False)
    check_classes(score, GOOD * 40, "--check", None, marks=False)


def test_it_says_what_to_do_with_labels(classes: Any, score: Any) -> None:
    assert refused(classes, GOOD + 1).hint == "classes count from 0: save y - 1"
    numbers = refused(score, GOOD * 40)
    assert "the output has one value, so that 0 to 1 was" in str(numbers)
    assert numbers.hint.endswith('y.astype("float32")')


def test_classes_that_were_saved_as_numbers(classes: Any) -> None:
    error = refused(classes, GOOD.astype(np.float32))
    assert "the labels of --data are float32, and the output has 4 values" in str(error)
    assert error.hint == 'save y.astype("int64")'


def test_labels_that_nothing_learns_from_are_not_looked_at(classes: Any) -> None:
    taught = {"kind": "prune", "finetune": {"teacher": "original"}}
    untrained = {"kind": "prune", "finetune": {"epochs": 0}}
    for table in (taught, untrained, {"kind": "equalize"}):
        check_data(classes, read_steps([table]), items(GOOD + 9), None)
    check_data(classes, read_steps([PRUNE]), items(GOOD + 9), None, done=1)


@pytest.mark.parametrize(
    ("loss", "expected"),
    [
        ("mean_sqared_error", "no Keras loss is named 'mean_sqared_error'"),
        (
            "categorical_crossentropy",
            "the loss 'categorical_crossentropy' can't be taken of labels",
        ),
    ],
)
def test_a_loss_is_refused_with_its_step_and_field(loss: str, expected: str, classes: Any) -> None:
    error = refused(classes, GOOD, PRUNE, {"kind": "finetune", "loss": loss})
    assert isinstance(error, StepRefused) and expected in str(error)
    assert (error.number, error.field) == (1, "loss")
    nested = refused(classes, GOOD, {"kind": "prune", "finetune": {"loss": loss}})
    assert isinstance(nested, StepRefused)
    assert (nested.number, nested.field) == (0, "finetune.loss")


def test_labels_that_are_missing_are_of_the_step_that_wants_them(classes: Any) -> None:
    error = refused(classes, None, {"kind": "prune", "finetune": {"teacher": "labels"}})
    assert isinstance(error, StepRefused) and "has no labels" in str(error)
    assert (error.number, error.field) == (0, "finetune")


def test_what_learns_needs_data(classes: Any) -> None:
    steps = read_steps([PRUNE, {"kind": "qat"}])
    with pytest.raises(StepRefused, match=r"qat learns from data, .*; add --data TRAIN") as e:
        check_data(classes, steps, None, None)
    assert e.value.number == 1
    check_data(classes, steps, None, None, done=2)


def test_a_model_that_is_frozen_is_refused(classes: Any) -> None:
    frozen = keras.models.clone_model(classes)
    frozen.trainable = False
    assert "every weight of the model is frozen" in str(refused(frozen, GOOD))


def test_items_that_do_not_fit(classes: Any) -> None:
    with pytest.raises(BadInput, match=r"the held-back data's input 'x' is \[items, 7\]"):
        odd = items(GOOD, np.zeros((COUNT, 7), np.float32))
        check_data(classes, read_steps([PRUNE]), items(GOOD), odd)


def raises(item: Any, generator: np.random.Generator) -> Any:
    return item / generator.nothing  # type: ignore[attr-defined]


def spoils(item: Any, _: np.random.Generator) -> Any:
    return item * np.nan


def halves(item: Any, _: np.random.Generator) -> Any:
    return item[::2]


@pytest.mark.parametrize(
    ("augment", "expected"),
    [
        (raises, r"mine:f raised AttributeError on an item of \[6\], float32: .*nothing"),
        (spoils, "mine:f made NaN or infinity of an item without them"),
        (halves, r"mine:f made \[3\], float32 of an item of \[6\], float32; it gives numbers of"),
    ],
)
def test_an_augmentation_is_tried(augment: Any, expected: str, classes: Any) -> None:
    with pytest.raises(BadInput, match=expected):
        made = Augmentation(name="mine:f", function=augment)
        check_data(classes, read_steps([PRUNE]), items(GOOD), None, augment=made)


def test_patterns_are_looked_up_for_the_steps_that_still_find_them(classes: Any) -> None:
    gone = {"kind": "cluster", "layers": ["wide_*"]}
    with pytest.raises(StepRefused, match=r"no layer matches 'wide_\*'; layers: wide \(De") as e:
        check_layers(classes, read_steps([PRUNE, gone]))
    assert (e.value.number, e.value.field) == (1, "layers")
    check_layers(classes, read_steps([{"kind": "equalize"}, gone]))


def test_a_source_without_a_keras_model_is_refused(classes: Any, tmp_path: Path) -> None:
    from edgewright_converters.compression.job import CompressJob, open_job

    classes.export(tmp_path / "saved", verbose=False)
    job = CompressJob(source=str(tmp_path / "saved"), steps=(), folders=())
    with pytest.raises(
        BadInput, match=r"saved \(saved_model\) gives no Keras 3 model, .*; save it"
    ):
        open_job(job)

"""The training loop: the same bits for the same seed, and nothing lost when it is cut short."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from tests.converters.compression.small import CLASSES, context, items, net, same_weights

from edgewright_converters.compression.context import Items, Progress
from edgewright_converters.compression.training import FinetunePlan, Interrupted, fit
from edgewright_runtimes.errors import BadInput

PLAN = FinetunePlan(epochs=3, batch_size=40, learning_rate=1e-2)
STEPS = 3 * 240 // 40


def jitter(item: Any, generator: np.random.Generator) -> Any:
    return item + generator.normal(0, 0.1, item.shape)


def interrupt_at(step: int) -> Callable[[int, int], None]:
    def on_step(now: int, total: int) -> None:
        if now == step:
            raise KeyboardInterrupt

    return on_step


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("whole")


@pytest.fixture(scope="module")
def whole(folder: Path) -> Any:
    """What an uninterrupted training gives; its checkpoint is in ``folder``."""
    return fit(net(), PLAN, context(folder, augment=jitter))


def test_it_learns(whole: Any) -> None:
    losses = [row["loss"] for row in whole.history]
    assert losses[-1] < losses[0]
    assert whole.history[-1]["val_accuracy"] > 1.3 / CLASSES
    assert {"epoch", "loss", "accuracy", "val_loss", "learning_rate"} <= set(whole.history[0])


def test_same_seed_same_bits_and_another_seed_others(whole: Any, tmp_path: Path) -> None:
    again = fit(net(), PLAN, context(tmp_path / "a", augment=jitter))
    assert same_weights(again.model, whole.model)
    assert again.history == whole.history
    other = fit(net(), PLAN, context(tmp_path / "b", augment=jitter, seed=1))
    assert not same_weights(other.model, whole.model)


def test_ctrl_c_keeps_the_best_so_far_and_the_next_run_goes_on(whole: Any, tmp_path: Path) -> None:
    model, seen = net(), []
    with pytest.raises(Interrupted, match=r"epoch 2 of 3: the best so far \(epoch 1\) is kept in"):
        fit(model, PLAN, context(tmp_path, augment=jitter), on_step=interrupt_at(8))
    assert not same_weights(model, net()), "the best so far is in the model"
    resumed = fit(
        net(), PLAN, context(tmp_path, augment=jitter), on_step=lambda now, _: seen.append(now)
    )
    assert seen == list(range(6, STEPS)), "it went on after the epoch that was whole"
    assert same_weights(resumed.model, whole.model)
    assert resumed.history == whole.history


def test_ctrl_c_in_the_first_epoch_says_that_none_was_done(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt, match="epoch 1 of 3: none was done"):
        fit(net(), PLAN, context(tmp_path), on_step=interrupt_at(2))


def test_a_finished_training_is_not_done_again(whole: Any, folder: Path) -> None:
    again = fit(net(), PLAN, context(folder, augment=jitter), on_step=interrupt_at(0))
    assert same_weights(again.model, whole.model)


@pytest.mark.parametrize(
    "change", [{"learning_rate": 0.02}, {"batch_size": 30}, {"seed": 5}, {"epochs": 4}]
)
def test_a_checkpoint_of_another_training_is_not_taken(
    whole: Any, folder: Path, change: dict[str, Any]
) -> None:
    with pytest.raises(Interrupted, match="epoch 1 of"):
        fit(net(), replace(PLAN, **change), context(folder), on_step=interrupt_at(0))


def test_a_broken_checkpoint_is_not_taken(whole: Any, folder: Path, tmp_path: Path) -> None:
    (path,) = (folder / "stage").iterdir()
    (tmp_path / "stage").mkdir()
    (tmp_path / "stage" / path.name).write_bytes(path.read_bytes()[:-200])
    with pytest.raises(Interrupted, match="epoch 1 of"):
        fit(net(), PLAN, context(tmp_path, augment=jitter), on_step=interrupt_at(0))


def test_a_checkpoint_that_cannot_be_written_is_said_and_training_goes_on(tmp_path: Path) -> None:
    (tmp_path / "stage").write_text("a file where the folder should be")
    result = fit(net(), PLAN, context(tmp_path))
    assert len(result.history) == 3
    (note,) = {n for n in result.notes if "epoch 3" in n}
    assert note.startswith("no checkpoint after epoch 3: ")
    assert note.endswith("; training went on")


def test_a_loss_that_is_not_a_number_stops_it_and_the_last_good_weights_stay(
    tmp_path: Path,
) -> None:
    model = net(activation=None)

    def ruin(step: int, total: int) -> None:
        if step == 8:
            model.get_layer("head").bias.assign([np.nan] * CLASSES)

    result = fit(model, PLAN, context(tmp_path), on_step=ruin)
    assert [row["epoch"] for row in result.history] == [1]
    assert all(np.isfinite(w).all() for w in result.model.get_weights())
    assert "not a number in epoch 2" in result.notes[0]
    assert "the weights of epoch 1 are kept" in result.notes[0]


def test_frozen_weights_stay(tmp_path: Path) -> None:
    model = net()
    model.get_layer("first").trainable = False
    before = model.get_layer("first").get_weights()
    head = model.get_layer("head").get_weights()
    fit(model, PLAN, context(tmp_path))
    for old, new in zip(before, model.get_layer("first").get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    assert (head[0] != model.get_layer("head").get_weights()[0]).any()


def test_it_stops_early_and_keeps_the_best(tmp_path: Path) -> None:
    model = net()
    plan = FinetunePlan(epochs=9, batch_size=40, early_stop=1, schedule="constant")

    def ruin(step: int, total: int) -> None:
        if step >= 12:  # two epochs are done
            model.get_layer("head").set_weights([np.zeros((16, CLASSES)), np.array([0, 0, 50])])

    result = fit(model, plan, context(tmp_path), on_step=ruin)
    assert result.best_epoch < 3 <= len(result.history) < 9
    assert "stopped after epoch" in result.notes[-1]
    assert np.abs(result.model.get_layer("head").get_weights()[1]).max() < 40


def test_the_last_epoch_stays_where_nothing_is_held_back(tmp_path: Path) -> None:
    result = fit(net(), PLAN, context(tmp_path, held_back=None))
    assert result.best_epoch == 3
    assert "val_loss" not in result.history[0]


def test_data_sorted_by_class_is_shuffled_and_said(tmp_path: Path) -> None:
    given = items()
    order = np.argsort(given.labels, kind="stable")
    by_class = Items(inputs={"x": given.inputs["x"][order]}, labels=given.labels[order])
    plan = replace(PLAN, shuffle=False)
    result = fit(net(), plan, context(tmp_path / "a", train=by_class))
    assert result.notes == ("the training data is sorted by class; it was shuffled",)
    shuffled = fit(net(), PLAN, context(tmp_path / "b", train=by_class))
    assert same_weights(result.model, shuffled.model)


def test_progress_is_told(tmp_path: Path) -> None:
    told: list[Progress] = []
    fit(net(), PLAN, context(tmp_path, tell=told.append))
    assert [p.done for p in told if p.done % 6 == 0] == [6, 12, 18]
    assert {p.total for p in told} == {STEPS}
    assert told[-1].words == "epoch 3 of 3"
    assert {"loss", "accuracy"} <= set(told[-1].numbers)


def test_tensorboard_gets_loss_accuracy_and_ranges(tmp_path: Path) -> None:
    fit(net(), PLAN, context(tmp_path, tensorboard=tmp_path / "logs"), numbers=lambda: {"own": 7.0})
    (path,) = (tmp_path / "logs" / "fit").iterdir()
    found = {}
    for record in tf.data.TFRecordDataset(str(path)):
        event = tf.compat.v1.Event.FromString(record.numpy())
        for value in event.summary.value:
            found[value.tag, event.step] = float(tf.make_ndarray(value.tensor))
            assert value.metadata.plugin_data.plugin_name == "scalars"
    assert found["epoch/own", STEPS] == 7
    assert {("epoch/loss", 6), ("epoch/val_accuracy", 12)} <= set(found)
    assert found["ranges/first/kernel/min", STEPS] < 0 < found["ranges/first/kernel/max", STEPS]


def test_augmentation_draws_from_seed_epoch_and_index(tmp_path: Path) -> None:
    given = items()
    drawn: dict[int, list[float]] = {}

    def note(item: Any, generator: np.random.Generator) -> Any:
        index = int(np.flatnonzero((given.inputs["x"] == item).all(axis=1))[0])
        drawn.setdefault(index, []).append(generator.random())
        return item

    plan = FinetunePlan(epochs=2, batch_size=40)
    fit(net(), plan, context(tmp_path / "a", augment=note))
    first, drawn = drawn, {}
    fit(net(), plan, context(tmp_path / "b", augment=note))
    assert drawn == first
    assert len(first) == 240
    assert len({value for values in first.values() for value in values}) == 480


def test_augmentation_must_keep_the_shape(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"made \[4\] of an item of \[8\]"):
        fit(net(), PLAN, context(tmp_path, augment=lambda item, _: item[:4]))


def bad(**given: Any) -> dict[str, Any]:
    return {"train": Items(inputs=given["inputs"], labels=given.get("labels"))}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"train": None}, "training needs data"),
        ({"train": items(labels=False), "plan": "labels"}, "the data has no labels"),
        (bad(inputs={"x": np.zeros((5, 7), "f4")}), r"'x' is \[items, 7\]; .* \[items, 8\]"),
        (bad(inputs={"x": np.zeros((5, 2, 4), "f4")}), r"'x' is \[items, 2, 4\]"),
        (bad(inputs={"x": np.zeros((5, 8)), "y": np.zeros((5, 8))}), r"2 inputs \(x, y\)"),
        (bad(inputs={"x": np.zeros((0, 8), "f4")}, labels=np.zeros(0, int)), "no items"),
        (bad(inputs={"x": np.zeros((5, 8))}, labels=np.zeros(4, int)), "5 items and 4 labels"),
        (bad(inputs={"x": np.zeros((5, 8))}, labels=np.full(5, 3)), "a label is 3; 0 to 2"),
        (bad(inputs={"x": np.zeros((5, 8))}, labels=np.zeros((5, 2))), r"the labels are \[5, 2\]"),
        ({"train": items(labels=False), "plan": "original"}, "no original model to learn from"),
        ({"train": items(labels=False), "plan": "before"}, "no model from before to learn from"),
        ({"train": items(labels=False), "plan": "labels+before"}, "the data has no labels"),
    ],
)
def test_data_that_does_not_fit_is_one_clear_line(
    tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    plan = FinetunePlan(epochs=1, teacher=change.pop("plan", "labels"))
    with pytest.raises(BadInput, match=message):
        fit(net(), plan, context(tmp_path, **change))


def test_a_model_that_is_frozen_altogether_is_refused(tmp_path: Path) -> None:
    model = net()
    model.trainable = False
    with pytest.raises(BadInput, match="every weight of the model is frozen"):
        fit(model, PLAN, context(tmp_path))


def test_no_labels_learns_from_the_original(tmp_path: Path) -> None:
    original = fit(
        net(), FinetunePlan(epochs=6, batch_size=20, learning_rate=1e-2), context(tmp_path / "o")
    ).model
    plan = FinetunePlan(epochs=6, batch_size=20, learning_rate=1e-2)
    given = context(
        tmp_path / "s",
        train=items(labels=False),
        held_back=items(80, seed=9, labels=False),
        original=original,
    )
    result = fit(net(seed=4), plan, given)
    assert result.notes == ("no labels: it learnt from the model as it was (distillation)",)
    x = items(400, seed=11).inputs["x"]
    agreed = [m.predict(x, verbose=0).argmax(1) for m in (original, result.model)]
    assert (agreed[0] == agreed[1]).mean() > 0.68
    assert "accuracy" not in result.history[0]


def test_each_teacher_is_listened_to(tmp_path: Path) -> None:
    """An original that always says 0, a model from before that says 2: each as far as heard."""
    original, shares = net(), {}
    original.get_layer("head").kernel.assign(np.zeros((16, CLASSES)))
    original.get_layer("head").bias.assign([0.0, 0.0, 4.0])
    before = keras.models.clone_model(original)
    before.set_weights(original.get_weights())
    original.get_layer("head").bias.assign([4.0, 0.0, 0.0])
    teachers: tuple[Any, ...] = ("labels", "both", "original", "labels+before", "before")
    for teacher in teachers:
        plan = FinetunePlan(epochs=3, batch_size=20, learning_rate=1e-2, teacher=teacher)
        given = context(tmp_path / teacher, original=original, before=before, held_back=None)
        result = fit(net(seed=2), plan, given)
        shares[teacher] = result.model.predict(items(seed=3).inputs["x"], verbose=0).mean(axis=0)
    for place, alone, beside in ((0, "original", "both"), (2, "before", "labels+before")):
        heard = {teacher: share[place] for teacher, share in shares.items()}
        assert heard["labels"] < 0.5 < 0.65 < heard[alone]
        assert heard["labels"] + 0.05 < heard[beside] < heard[alone] - 0.05


def other_task(name: str) -> tuple[Any, Items]:
    x = items().inputs["x"]
    given = keras.Input((8,), name="x")
    hidden = keras.layers.Dense(12, activation="relu")(given)
    ends = {
        "sigmoid": (1, "sigmoid", (x[:, 0] > 0).astype(np.int64)),
        "score": (1, None, (x[:, 0] > 0).astype(np.int64)),
        "one-hot": (3, "softmax", np.eye(3, dtype=np.float32)[items().labels]),
        "logits": (3, None, items().labels),
        "numbers": (2, None, x[:, :2] * 2 + 1),
        "one number": (1, None, x[:, 0] * 2),
    }
    units, activation, labels = ends[name]
    model = keras.Model(given, keras.layers.Dense(units, activation=activation)(hidden))
    return model, Items(inputs={"x": x}, labels=labels)


@pytest.mark.parametrize("name", ["sigmoid", "score", "one-hot", "logits", "numbers", "one number"])
def test_the_loss_follows_from_the_output_and_the_labels(tmp_path: Path, name: str) -> None:
    keras.utils.set_random_seed(0)
    model, data = other_task(name)
    plan = FinetunePlan(epochs=12, batch_size=16, learning_rate=1e-2)
    result = fit(model, plan, context(tmp_path, train=data, held_back=data))
    rows = result.history
    assert rows[-1]["loss"] < 0.8 * rows[0]["loss"]
    if name in ("sigmoid", "score"):
        assert rows[-1]["val_accuracy"] > 0.9


def test_a_named_loss_of_keras_is_told_of_logits(tmp_path: Path) -> None:
    keras.utils.set_random_seed(0)
    model, data = other_task("logits")
    plan = FinetunePlan(epochs=1, loss="sparse_categorical_crossentropy")
    named = fit(model, plan, context(tmp_path / "a", train=data))
    keras.utils.set_random_seed(0)
    auto = fit(other_task("logits")[0], FinetunePlan(epochs=1), context(tmp_path / "b", train=data))
    assert named.history[0]["loss"] == pytest.approx(auto.history[0]["loss"])
    with pytest.raises(BadInput, match="no Keras loss is named 'lots'"):
        fit(model, FinetunePlan(loss="lots"), context(tmp_path / "c", train=data))


@pytest.mark.parametrize(
    "change",
    [
        {"optimizer": "sgd", "schedule": "constant"},
        {"optimizer": "adamw", "clipnorm": 1.0, "schedule": "exponential"},
        {"schedule": "polynomial", "warmup_steps": 3},
    ],
)
def test_optimizers_and_schedules(tmp_path: Path, change: dict[str, Any]) -> None:
    plan = FinetunePlan(epochs=2, batch_size=40, learning_rate=0.02, **change)
    rows = fit(net(), plan, context(tmp_path)).history
    last = {"constant": 0.02, "exponential": 0.0002, "polynomial": 0.0}
    assert rows[-1]["learning_rate"] == pytest.approx(last[plan.schedule], abs=1e-6)
    assert rows[-1]["loss"] < rows[0]["loss"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"epochs": -1}, "epochs is -1; 0 or more"),
        ({"batch_size": 0}, "batch_size is 0; 1 or more"),
        ({"learning_rate": 0.0}, "learning_rate is 0.0; more than 0"),
        ({"learning_rate": float("nan")}, "learning_rate is nan"),
        ({"distillation_weight": 1.5}, "distillation_weight is 1.5; 0 to 1"),
    ],
)
def test_a_plan_that_makes_no_sense_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(BadInput, match=message):
        FinetunePlan(**change)

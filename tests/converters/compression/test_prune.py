"""The step ``prune``: exact zeros in a plain model, and one clear line for what makes no sense."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from tests.converters.compression.small import context, items, net

from edgewright_converters.compression.fields import read_fields
from edgewright_converters.compression.finetune import Finetune
from edgewright_converters.compression.finetune import apply as finetune
from edgewright_converters.compression.prune.schedule import Schedule
from edgewright_converters.compression.prune.step import Prune, apply, from_label
from edgewright_converters.compression.recipe import parse_name, read_steps
from edgewright_converters.compression.stages import load_model, run_step
from edgewright_converters.compression.training import FinetunePlan
from edgewright_runtimes.errors import BadInput

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
PLAN = FinetunePlan(epochs=3, batch_size=24, learning_rate=1e-2)


def zeros(model: Any, layer: str) -> float:
    return float((model.get_layer(layer).kernel.numpy() == 0).mean())


@pytest.fixture(scope="module")
def pruned(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Model, record, context and what the listener saw, after ``prune50`` with training."""
    told: list[float] = []
    given = context(
        tmp_path_factory.mktemp("pruned"),
        tell=lambda p: told.append(p.numbers.get("sparsity", -1.0)),
    )
    plan = {"epochs": 3, "batch_size": 24, "learning_rate": 1e-2}
    schedule = {"end_step": 12}  # in the second epoch
    (step,) = read_steps([{"kind": "prune", "finetune": plan, "schedule": schedule}])
    model, record = run_step(net(), step, given)
    return model, record, given, told


def test_zeros_are_exact_and_the_model_is_plain(pruned: Any) -> None:
    model, record, given, told = pruned
    for layer in ("first", "second", "head"):
        assert zeros(model, layer) == 0.5
        assert record.details["sparse"][f"{layer}/kernel"] == 0.5
    loaded = load_model(given.folder)
    assert {type(layer).__module__.split(".")[0] for layer in loaded.layers} == {"keras"}
    x = items(7).inputs["x"]
    np.testing.assert_array_equal(loaded.predict(x, verbose=0), model.predict(x, verbose=0))
    assert record.after.nonzero < record.before.nonzero * 0.7
    assert record.after.zipped_bytes < record.before.zipped_bytes
    assert {0.5} == {round(value, 2) for value in told[-1:]}


def test_what_is_pruned_still_learns(pruned: Any) -> None:
    _, record, _, _ = pruned
    rows = record.details["epochs"]
    assert rows[-1]["loss"] < rows[0]["loss"]
    assert record.details["best_epoch"] >= 2, "an epoch before the final sparsity is no candidate"


def test_the_model_that_was_given_is_not_changed(tmp_path: Path) -> None:
    model = net()
    before = [w.copy() for w in model.get_weights()]
    apply(model, Prune(finetune=FinetunePlan(epochs=0)), context(tmp_path))
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_zeros_hold_through_a_later_training(pruned: Any, tmp_path: Path) -> None:
    model, record, _, _ = pruned
    result = finetune(model, Finetune(**vars(PLAN)), context(tmp_path, history=(record,)))
    for layer in ("first", "second", "head"):
        np.testing.assert_array_equal(
            result.model.get_layer(layer).kernel.numpy() == 0,
            model.get_layer(layer).kernel.numpy() == 0,
        )
    assert (result.model.get_layer("first").kernel != model.get_layer("first").kernel).numpy().any()
    free = finetune(model, Finetune(**vars(PLAN)), context(tmp_path / "free"))
    assert zeros(free.model, "first") < 0.1, "without the record nothing holds them"


def test_without_data_it_is_one_shot_and_says_so(tmp_path: Path) -> None:
    result = apply(net(), Prune(sparsity=0.8), context(tmp_path, train=None, held_back=None))
    assert zeros(result.model, "second") == pytest.approx(0.8, abs=0.01)
    assert result.notes == ("no data: done in one shot, without fine-tuning",)


def test_two_of_four_in_a_net_of_convolutions(tmp_path: Path) -> None:
    result = apply(convolutions(), Prune(structure="2:4"), context(tmp_path, train=None))
    kernel = result.model.get_layer("conv").kernel.numpy()
    assert ((np.moveaxis(kernel, 2, 0).reshape(2, 4, -1) != 0).sum(axis=1) == 2).all()
    listed = {s.layer: s.reason for s in result.skipped}
    assert listed["stem"] == "3 inputs are no multiple of 4"
    assert (
        listed["deep"] == "DepthwiseConv2D is not among the kinds it does; name it to have it done"
    )


def test_two_of_four_is_chosen_before_the_first_step(tmp_path: Path) -> None:
    at_once = apply(net(), Prune(structure="2:4"), context(tmp_path, train=None))
    trained = apply(net(), Prune(structure="2:4", finetune=PLAN), context(tmp_path))
    for layer in ("first", "second", "head"):
        kernels = [r.model.get_layer(layer).kernel.numpy() for r in (at_once, trained)]
        np.testing.assert_array_equal(*[kernel == 0 for kernel in kernels])
        assert not np.array_equal(*kernels)


def convolutions() -> Any:
    keras.utils.set_random_seed(0)
    layers = keras.layers
    given = keras.Input((8, 8, 3))
    x = layers.Conv2D(8, 3, name="stem")(given)
    x = layers.DepthwiseConv2D(3, name="deep")(x)
    x = layers.Conv2D(6, 1, name="conv")(x)
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(given, layers.Dense(4, name="head")(x))


def test_layers_by_name_and_by_kind(tmp_path: Path) -> None:
    given = context(tmp_path, train=None)
    named = apply(convolutions(), Prune(layers=("dee*", "Dense")), given)
    assert set(named.details["sparse"]) == {"deep/kernel", "head/kernel"}
    assert zeros(named.model, "stem") == 0
    with pytest.raises(
        BadInput, match=r"no layer matches 'cnov'; layers: stem .*did you mean 'conv'"
    ):
        apply(convolutions(), Prune(layers=("cnov",)), given)


def test_a_shared_layer_counts_once(tmp_path: Path) -> None:
    given = keras.Input((6,))
    shared = keras.layers.Dense(6, name="shared")
    model = keras.Model(given, shared(shared(given)))
    result = apply(model, Prune(), context(tmp_path, train=None))
    assert result.details["sparse"] == {"shared/kernel": 0.5}


@keras.saving.register_keras_serializable("tests")
class Own(keras.layers.Layer):  # type: ignore[misc]
    def build(self, shape: Any) -> None:
        self.table = self.add_weight(shape=(shape[-1], 3))

    def call(self, x: Any) -> Any:
        return x @ self.table


def test_kinds_it_does_not_know_and_frozen_layers_are_listed(tmp_path: Path) -> None:
    given = keras.Input((6,))
    fixed = keras.layers.Dense(6, name="fixed", trainable=False)
    model = keras.Model(given, keras.layers.Dense(2, name="open")(Own(name="own")(fixed(given))))
    result = apply(model, Prune(), context(tmp_path, train=None))
    listed = {s.layer: s.reason for s in result.skipped}
    assert listed == {
        "own": "Own is not among the kinds it does",
        "fixed": "its weights are frozen",
    }
    assert set(result.details["sparse"]) == {"open/kernel"}


def test_recurrent_layers_are_pruned(tmp_path: Path) -> None:
    given = keras.Input((5, 4))
    x = keras.layers.Bidirectional(keras.layers.LSTM(6), name="both")(given)
    result = apply(
        keras.Model(given, keras.layers.Dense(2, name="head")(x)),
        Prune(),
        context(tmp_path, train=None),
    )
    assert len(result.details["sparse"]) == 5  # two kernels each way, and the head's
    assert set(result.details["sparse"].values()) == {0.5}


def test_a_layer_pruned_to_nothing_is_refused(tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3, name="few")])
    with pytest.raises(BadInput, match=r"sparsity 0\.95 leaves nothing of few/kernel"):
        apply(model, Prune(sparsity=0.95), context(tmp_path))


def test_a_model_without_kernels_is_refused(tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((2,)), keras.layers.BatchNormalization()])
    with pytest.raises(BadInput, match="the model has no layer to prune"):
        apply(model, Prune(), context(tmp_path))


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"sparsity": 0}, "prune: sparsity is 0; more than 0 and less than 1 was expected; 0.5"),
        ({"sparsity": 1}, "prune: sparsity is 1; "),
        ({"sparsity": 1.5}, r"prune: sparsity is 1\.5; "),
        ({"sparsity": "half"}, "prune.sparsity is 'half'; a number"),
        ({"structure": "4:2"}, "prune: structure is '4:2'"),
        (
            {"structure": "2:4", "sparsity": 0.7},
            r"sparsity is 0\.7, and 2:4 makes 0\.5; leave sparsity out, or type 0\.5",
        ),
        (
            {"structure": "2:4", "scope": "global"},
            "scope is 'global', and 2:4 is a rule for each layer; scope = \"layer\"",
        ),
        (
            {"schedule": {"initial_sparsity": 0.6}},
            r"prune: schedule\.initial_sparsity is 0\.6; less than 0\.5 was expected",
        ),
        ({"least_kept": -1}, "prune: least_kept is -1; 0 weights or more was expected"),
        ({"least_share": 1}, "prune: least_share is 1; 0 or more and less than 1 was expected"),
        ({"schedule": {"final_sparsity": 0.6}}, "prune.schedule: no field 'final_sparsity'"),
        ({"finetune": {"epochs": "many"}}, "prune.finetune.epochs is 'many'; a whole number"),
    ],
)
def test_bad_settings_are_one_clear_line(table: dict[str, Any], message: str) -> None:
    with pytest.raises(BadInput, match=message):
        read_fields(Prune, table, where="prune")


def test_a_schedule_longer_than_the_training_is_refused(tmp_path: Path) -> None:
    params = Prune(schedule=Schedule(end_step=5000), finetune=PLAN)
    with pytest.raises(BadInput, match="pruning ends at step 5000 and training after 30 steps"):
        apply(net(), params, context(tmp_path))


@pytest.mark.parametrize(
    "label", ["prune50", "prune2of4", "prune80global", "prune50block4", "prune80globalblock4"]
)
def test_labels_go_there_and_back(label: str) -> None:
    params = from_label(label)
    assert params is not None
    assert params.label == label
    assert parse_name(f"{label}_int8")[0].label == label


@pytest.mark.parametrize("word", ["prune", "pruned", "cluster16", "prune50x"])
def test_words_of_others(word: str) -> None:
    assert from_label(word) is None


def test_training_that_stops_before_the_final_sparsity_still_gets_there(tmp_path: Path) -> None:
    plan = FinetunePlan(epochs=3, batch_size=24, learning_rate=1e30, optimizer="sgd")
    result = apply(net(activation=None), Prune(sparsity=0.6, finetune=plan), context(tmp_path))
    assert zeros(result.model, "second") == pytest.approx(0.6, abs=0.01)
    assert "not a number in epoch 1" in result.notes[0]
    assert result.notes[-1].endswith("the rest was pruned at once")

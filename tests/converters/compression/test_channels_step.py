"""The step as a recipe calls it: what it gives, what it says, and what it refuses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from edgewright_converters.compression import recipe
from edgewright_converters.compression.channels import step
from edgewright_converters.compression.channels.plan import PruneChannels
from edgewright_converters.compression.context import Context, Items
from edgewright_converters.compression.cost import model_cost
from edgewright_converters.compression.training import FinetunePlan
from edgewright_runtimes.errors import BadInput, UsageError

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
layers = keras.layers
NO_TRAINING = FinetunePlan(epochs=0)


@pytest.fixture(scope="module")
def net() -> Any:
    keras.utils.set_random_seed(3)
    given = keras.Input((8, 8, 1), name="image")
    x = layers.Conv2D(16, 3, padding="same", name="stem")(given)
    y = layers.Conv2D(16, 3, padding="same", activation="relu", name="inner")(x)
    x = layers.Add()([x, layers.Conv2D(16, 3, padding="same", name="outer")(y)])
    x = layers.GlobalAveragePooling2D()(layers.ReLU()(x))
    x = layers.Dense(24, activation="relu", name="hidden")(x)
    return keras.Model(given, layers.Dense(3, activation="softmax", name="head")(x))


@pytest.fixture(scope="module")
def data() -> Items:
    """Three classes told apart by where the image is bright."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 192)
    x = rng.normal(size=(192, 8, 8, 1)).astype(np.float32) * 0.3
    for row, label in zip(x, labels, strict=True):
        row[2 * label : 2 * label + 3] += 1
    return Items(inputs={"image": x}, labels=labels)


def context(net: Any, folder: Path, data: Items | None = None, **more: Any) -> Context:
    return Context(train=data, held_back=data, original=net, folder=folder, **more)


def test_by_name_and_back() -> None:
    steps = recipe.parse_name("channels50_int8")
    assert steps[0].kind == "prune-channels" and steps[0].label == "channels50"
    for word in ("channels50", "parameters30", "macs12.5", "latency60"):
        found = step.from_label(word)
        assert found is not None and found.label == word
        table = recipe.to_step("prune-channels", found).params
        assert recipe.read_params("prune-channels", table) == found
    assert step.from_label("prune50") is None


def test_half_the_channels_without_data(net: Any, tmp_path: Path) -> None:
    before = net.get_weights()
    result = step.apply(net, PruneChannels(), context(net, tmp_path))
    assert result.details["widths"] == {
        "stem": [16, 8],
        "inner": [16, 8],
        "outer": [16, 8],
        "hidden": [24, 16],
    }
    assert result.details["cuts"][0]["criterion"] == "l1"
    assert [s.layer for s in result.skipped] == ["head"]
    assert "output of the model" in result.skipped[0].reason
    assert result.notes == ("no data: the narrower model was not fine-tuned",)
    assert model_cost(result.model).parameters < 0.4 * model_cost(net).parameters
    for a, b in zip(before, net.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    result.model.save(tmp_path / "plain.keras")
    keras.models.load_model(tmp_path / "plain.keras")


@pytest.mark.parametrize("objective", ["parameters", "macs"])
def test_a_share_of_the_cost(net: Any, data: Items, tmp_path: Path, objective: Any) -> None:
    params = PruneChannels(objective=objective, ratio=0.4, multiple=2, finetune=NO_TRAINING)
    result = step.apply(net, params, context(net, tmp_path, data))
    before, after = model_cost(net), model_cost(result.model)
    left = getattr(after, objective) / getattr(before, objective)
    assert 0.4 < left <= 0.6
    assert result.details["cuts"][0]["criterion"] == "taylor"


def test_in_cuts_with_training_between(net: Any, data: Items, tmp_path: Path) -> None:
    plan = FinetunePlan(epochs=2, batch_size=32)
    params = PruneChannels(cuts=2, multiple=1, finetune=plan)
    result = step.apply(net, params, context(net, tmp_path, data))
    first, last = result.details["cuts"]
    assert first["share"] == pytest.approx(0.2929) and last["share"] == 0.5
    assert len(first["epochs"]) == 1 and "epochs" not in last
    assert len(result.details["epochs"]) == 2
    assert result.details["widths"]["hidden"] == [24, 12]


def test_latency_is_measured_not_guessed(net: Any, data: Items, tmp_path: Path) -> None:
    """A machine on which only the hidden layer takes time."""
    seen: list[int] = []

    def measure(models: Sequence[Any], *, scheme: str) -> list[float]:
        assert scheme == "int8"
        seen.append(len(models))
        return [1e6 + 1e6 * m.get_layer("hidden").units for m in models]

    params = PruneChannels(objective="latency", ratio=0.5, trials=16, finetune=NO_TRAINING)
    run = context(net, tmp_path, data, measure=measure)
    result = step.apply(net, params, run)
    assert result.model.get_layer("hidden").units == 8
    assert result.model.get_layer("stem").filters == 16
    measured = result.details["cuts"][0]["measured"]
    assert measured[0] == {"widths": "original", "latency_ns": 25e6}
    twice = sum(row["again"] is not None for row in measured[1:])
    assert measured[1]["latency"] == 1.0, "the model itself, which every batch is measured beside"
    assert len(measured) - 2 + twice == sum(seen) - len(seen) <= 16

    count = len(seen)
    again = step.apply(net, params, run)
    assert len(seen) == count, "a choice that was made is taken from the folder"
    assert again.details["cuts"] == result.details["cuts"]
    step.apply(net, replace(params, ratio=0.4), run)
    assert len(seen) > count


def test_patterns_and_what_is_tied(net: Any, tmp_path: Path) -> None:
    run = context(net, tmp_path)
    only = step.apply(net, PruneChannels(layers=("inner",)), run)
    assert set(only.details["widths"]) == {"inner"}
    tied = step.apply(net, PruneChannels(exclude=("outer",)), run)
    assert set(tied.details["widths"]) == {"inner", "hidden"}
    reasons = {s.layer: s.reason for s in tied.skipped}
    assert "tied to those of 'outer', which is excluded" in reasons["stem"]
    odd = step.apply(net, PruneChannels(layers=("add*", "head")), run)
    assert odd.notes == ("no channel could be removed",)
    reasons = {s.layer: s.reason for s in odd.skipped}
    assert "no channels of its own" in next(r for n, r in reasons.items() if n.startswith("add"))


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"ratio": 0}, "ratio is 0; more than 0 and less than 1"),
        ({"ratio": 1}, "ratio is 1; more than 0 and less than 1"),
        ({"ratio": 1.5}, "ratio is 1.5; more than 0 and less than 1"),
        ({"ratio": float("nan")}, "ratio is nan"),
        ({"ratio": "half"}, "prune-channels.ratio is 'half'; a number was expected"),
        ({"min_channels": 0}, "min_channels is 0; 1 or more"),
        ({"multiple": 0}, "multiple is 0; 1 or more"),
        ({"cuts": 0}, "cuts is 0; 1 or more"),
        ({"trials": 2}, "trials is 2; 8 or more"),
        ({"objective": "speed"}, "'ratio', 'parameters', 'macs', 'latency' was expected"),
        ({"criterion": "l2"}, "'auto', 'l1', 'batch-norm', 'taylor' was expected"),
        ({"scheme": "int7"}, "int7"),
        ({"ratios": 0.5}, "no field 'ratios'; known: .*did you mean 'ratio'"),
    ],
)
def test_values_that_make_no_sense(table: Any, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        recipe.read_params("prune-channels", table)


def test_a_pattern_that_matches_no_layer(net: Any, tmp_path: Path) -> None:
    for field in ("layers", "exclude"):
        params = PruneChannels(**{field: ("iner*",)})
        with pytest.raises(BadInput, match=r"no layer matches 'iner\*'.*did you mean 'inner'"):
            step.apply(net, params, context(net, tmp_path))


def test_a_layer_asked_to_go_entirely(net: Any, tmp_path: Path) -> None:
    params = PruneChannels(layers=("inner",), ratio=0.98)
    said = "'inner' has 16 channels: a ratio of 0.98 leaves none; at most 0.938 is allowed"
    with pytest.raises(BadInput, match=said):
        step.apply(net, params, context(net, tmp_path))
    kept = step.apply(net, PruneChannels(ratio=0.98, multiple=1), context(net, tmp_path))
    assert kept.model.get_layer("inner").filters == 1
    least = PruneChannels(ratio=0.98, multiple=1, min_channels=5)
    kept = step.apply(net, least, context(net, tmp_path))
    assert kept.model.get_layer("inner").filters == 5


def test_latency_without_a_target_and_taylor_without_data(net: Any, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="measures widths on a target, and none can measure here"):
        step.apply(net, PruneChannels(objective="latency"), context(net, tmp_path))
    with pytest.raises(BadInput, match="ranks on data, and there is none"):
        step.apply(net, PruneChannels(criterion="taylor"), context(net, tmp_path))


def test_frozen_weights_stay_and_are_listed(tmp_path: Path) -> None:
    given = keras.Input((4,))
    x = layers.Dense(8, name="frozen", trainable=False)(given)
    x = layers.Dense(8, name="open")(x)
    model = keras.Model(given, layers.Dense(2, name="head")(x))
    result = step.apply(model, PruneChannels(), context(model, tmp_path))
    assert result.details["widths"] == {"open": [8, 4]}
    reasons = {s.layer: s.reason for s in result.skipped}
    assert "frozen (trainable is False)" in reasons["frozen"]


def test_an_unknown_layer_is_listed_and_nothing_fails(tmp_path: Path) -> None:
    given = keras.Input((5, 4))
    x = layers.LSTM(6, name="memory")(layers.Conv1D(8, 3, name="before")(given))
    model = keras.Model(given, layers.Dense(2, name="head")(x))
    result = step.apply(model, PruneChannels(), context(model, tmp_path))
    assert result.notes == ("no channel could be removed",)
    reasons = {s.layer: s.reason for s in result.skipped}
    assert reasons["memory"] == "prune-channels does not know LSTM"
    assert reasons["before"] == "it goes into 'memory': prune-channels does not know LSTM"


def test_a_subclassed_model(tmp_path: Path) -> None:
    class Own(keras.Model):
        def call(self, x: Any) -> Any:
            return x

    with pytest.raises(BadInput, match="make it Functional"):
        step.apply(Own(), PruneChannels(), context(None, tmp_path))

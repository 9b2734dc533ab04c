"""Equalization: the same function in floats, channels of alike ranges, and what it leaves alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from tests.converters.compression.random_graphs import (
    Net,
    build_net,
    items,
    nets,
    one_of_each,
    outputs,
)

from edgewright_converters.compression.context import Context, Items
from edgewright_converters.compression.equalize.step import Equalize, apply
from edgewright_converters.compression.recipe import parse_name, read_steps
from edgewright_runtimes.errors import BadInput

layers = keras.layers
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
FEW = settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))


def context(train: Items | None = None) -> Context:
    return Context(
        train=train, held_back=None, scored=None, original=None, folder=Path("/nonexistent")
    )


def chain(*between: Any, spoil: float = 3.0) -> Any:
    """Two convolutions with ``between`` between them, the channels between them spoilt."""
    keras.utils.set_random_seed(0)
    image = keras.Input((8, 8, 3), name="image")
    x = layers.Conv2D(8, 3, name="first")(image)
    for layer in between:
        x = layer(x)
    x = layers.Conv2D(4, 3, name="second")(x)
    model = keras.Model(image, layers.GlobalAveragePooling2D()(x))
    scale = np.exp(np.random.default_rng(0).uniform(-spoil, spoil, 8)).astype(np.float32)
    first, second = model.get_layer("first"), model.get_layer("second")
    first.kernel.assign(first.kernel * scale)
    first.bias.assign(scale)
    second.kernel.assign(second.kernel / scale[:, None])
    return model


def check_identity(net: Net, **params: Any) -> None:
    model = build_net(net)
    x = items(model, 8)
    train = Items(inputs={"image": x}, labels=None)
    result = apply(model, Equalize(**params), context(train if params.get("activations") else None))
    for old, new in zip(outputs(model, x), outputs(result.model, x), strict=True):
        width = max(float(np.ptp(old)), float(np.abs(old).max()), 1e-30)
        assert float(np.abs(new - old).max()) <= 2e-5 * width  # folding rounds once more
    assert new.shape == old.shape


@pytest.mark.parametrize("flag", [False, True])
def test_every_kind_of_block(flag: bool) -> None:
    check_identity(one_of_each(flag), activations=flag)


@FEW
@given(net=nets(most=3))
def test_identity_in_random_graphs(net: Net) -> None:
    check_identity(net)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@settings(FEW, max_examples=200)
@given(net=nets())
def test_identity_in_many_random_graphs(net: Net) -> None:
    check_identity(net)


@pytest.mark.parametrize(
    "between",
    [
        (),
        (layers.ReLU(), layers.MaxPooling2D(2)),
        (layers.LeakyReLU(0.2), layers.ZeroPadding2D(1), layers.Dropout(0.5)),
        (layers.PReLU(shared_axes=[1, 2]), layers.AveragePooling2D(2)),
    ],
)
def test_ranges_become_alike(between: Any) -> None:
    result = apply(chain(*between), Equalize(), context())
    first = np.abs(result.model.get_layer("first").get_weights()[0]).max(axis=(0, 1, 2))
    second = np.abs(result.model.get_layer("second").get_weights()[0]).max(axis=(0, 1, 3))
    np.testing.assert_allclose(first, second, rtol=1e-4)
    assert result.details["equalized"] == ["first -> second"]


def test_values_on_data_count_where_asked() -> None:
    model = chain(layers.ReLU())
    model.get_layer("first").bias.assign([100.0] + [0.0] * 7)
    train = Items(inputs={"image": items(model, 16)}, labels=None)
    result = apply(model, Equalize(activations=True), context(train))
    seen = keras.Model(result.model.input, result.model.layers[2].output)(items(model, 16))
    values = np.abs(seen).max(axis=(0, 1, 2))
    taken = np.abs(result.model.get_layer("second").get_weights()[0]).max(axis=(0, 1, 3))
    np.testing.assert_allclose(values, taken, rtol=1e-3)


def test_relu6_is_left_alone_and_said() -> None:
    model = chain(layers.ReLU(6.0, name="six"))
    result = apply(model, Equalize(), context())
    assert result.notes == ("no two layers could be equalized",)
    (skipped,) = result.skipped
    assert skipped.layer == "first"
    assert "relu6 of six is not positively homogeneous" in skipped.reason
    for old, new in zip(model.get_weights(), result.model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_relu6_becomes_relu_where_asked_and_the_change_is_measured() -> None:
    result = apply(chain(layers.Activation("relu6")), Equalize(relu6="relu"), context())
    assert result.details["equalized"] == ["first -> second"]
    assert "ReLU6 became ReLU: on random inputs an output moved by" in result.notes[0]


def test_shared_and_frozen_layers_are_left_alone() -> None:
    image = keras.Input((8,), name="x")
    shared = layers.Dense(8, name="shared")
    x = layers.Dense(8, name="first")(image)
    x = layers.Dense(3, name="last")(shared(shared(x)))
    result = apply(keras.Model(image, x), Equalize(), context())
    assert {s.layer for s in result.skipped} == {"first", "shared"}
    assert all("called more than once" in s.reason for s in result.skipped)
    frozen = chain()
    frozen.get_layer("first").trainable = False
    (skipped,) = apply(frozen, Equalize(), context()).skipped
    assert skipped.reason == "first is frozen"


def test_a_change_of_the_function_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgewright_converters.compression.equalize.step.TOLERANCE", -1.0)
    with pytest.raises(BadInput, match="equalization moved an output by"):
        apply(chain(), Equalize(), context())


def test_bad_input() -> None:
    with pytest.raises(
        BadInput, match=r"activations is true, which needs data.*add --data TRAIN, or"
    ):
        apply(chain(), Equalize(activations=True), context())
    with pytest.raises(BadInput, match="equalize: sweeps is 0; 1 or more was expected"):
        read_steps([{"kind": "equalize", "sweeps": 0}])
    with pytest.raises(BadInput, match="'keep', 'relu'"):
        read_steps([{"kind": "equalize", "relu6": "gelu"}])
    assert parse_name("equalize_int8")[0].label == "equalize"

"""Folding gives the same function in fewer kinds of layers."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from tests.converters.compression.random_graphs import build_net, items, one_of_each, outputs

from edgewright_converters.compression.fold import fold

layers = keras.layers
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


def kinds(model: Any) -> list[str]:
    return [type(layer).__name__ for layer in model.layers]


def scrambled(model: Any) -> Any:
    rng = np.random.default_rng(1)
    model.set_weights([rng.uniform(0.2, 1.0, w.shape) for w in model.get_weights()])
    return model


@pytest.mark.parametrize("flag", [False, True])
def test_the_function_stays(flag: bool) -> None:
    model = build_net(one_of_each(flag))
    plain, _ = fold(model)
    x = items(model)
    for old, new in zip(outputs(model, x), outputs(plain, x), strict=True):
        np.testing.assert_allclose(new, old, atol=1e-5 * max(1.0, float(np.abs(old).max())))
    assert "SeparableConv2D" not in kinds(plain)


def test_what_folds_and_what_stays() -> None:
    given = keras.Input((8, 8, 3))
    x = layers.BatchNormalization(name="first")(given)
    x = layers.Conv2D(4, 3, use_bias=False, name="conv")(x)
    x = layers.BatchNormalization(name="folds", scale=False)(x)
    x = layers.Conv2D(4, 3, activation="relu", name="active")(x)
    x = layers.BatchNormalization(name="after_relu")(x)
    y = layers.DepthwiseConv2D(3, name="branching")(x)
    z = layers.BatchNormalization(name="one_of_two")(y)
    x = layers.Conv2DTranspose(5, 3, name="wide")(layers.Add()([y, z]))
    x = layers.BatchNormalization(name="too", center=False)(x)
    model = scrambled(keras.Model(given, x))
    plain, gone = fold(model)
    assert gone == ("folds", "too")
    left = [layer.name for layer in plain.layers if isinstance(layer, layers.BatchNormalization)]
    assert left == ["first", "after_relu", "one_of_two"]
    x = items(model)
    np.testing.assert_allclose(plain(x), model(x), rtol=1e-4)


def test_an_average_over_everything_is_global() -> None:
    given = keras.Input((8, 8, 3))
    part = layers.AveragePooling2D(4, name="part")(given)
    model = keras.Model(given, layers.AveragePooling2D(2, name="all")(part))
    plain, _ = fold(model)
    assert kinds(plain) == ["InputLayer", "AveragePooling2D", "GlobalAveragePooling2D"]
    x = items(model)
    np.testing.assert_allclose(plain(x), model(x), atol=1e-6)


def test_the_model_is_not_touched() -> None:
    model = build_net(one_of_each(True))
    before = [w.copy() for w in model.get_weights()]
    fold(model)
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))

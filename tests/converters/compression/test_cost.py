"""What a model weighs: counted by hand for each kind of layer."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

from edgewright_converters.compression.cost import model_cost

L = keras.layers


def net(*layers: Any, given: tuple[int | None, ...] = (8, 8, 4)) -> Any:
    return keras.Sequential([keras.Input(given), *layers])


@pytest.mark.parametrize(
    ("layer", "given", "macs"),
    [
        (L.Conv2D(6, 3), (8, 8, 4), 3 * 3 * 4 * 6 * 36),
        (L.Conv2D(6, 3, strides=2, padding="same"), (8, 8, 4), 3 * 3 * 4 * 6 * 16),
        (L.Conv2D(6, 3, groups=2), (8, 8, 4), 3 * 3 * 2 * 6 * 36),
        (L.DepthwiseConv2D(3), (8, 8, 4), 3 * 3 * 4 * 36),
        (L.SeparableConv2D(6, 3), (8, 8, 4), (3 * 3 * 4 + 4 * 6) * 36),
        (L.Conv2DTranspose(6, 3), (8, 8, 4), 3 * 3 * 4 * 6 * 64),
        (L.Conv1D(5, 3), (10, 4), 3 * 4 * 5 * 8),
        (L.Dense(5), (7,), 35),
        (L.Dense(5), (3, 7), 35 * 3),
        (L.BatchNormalization(), (8, 8, 4), 0),
        (L.Embedding(9, 5), (3,), 0),
        (L.LSTM(5), (3, 7), None),
        (L.Conv2D(6, 3), (None, 8, 4), None),
    ],
)
def test_multiply_accumulates_of_one_item(
    layer: Any, given: tuple[int | None, ...], macs: int | None
) -> None:
    assert model_cost(net(layer, given=given)).macs == macs


def test_a_layer_that_is_called_twice_is_paid_twice_and_weighed_once() -> None:
    dense, given = L.Dense(4), keras.Input((4,))
    cost = model_cost(keras.Model(given, dense(dense(given))))
    assert (cost.macs, cost.parameters) == (32, 20)


def test_zeros_and_bytes() -> None:
    model = net(L.Dense(100, use_bias=False), given=(50,))
    noise = np.random.default_rng(0).normal(size=(50, 100)).astype(np.float32)
    model.set_weights([noise])
    dense = model_cost(model)
    assert (dense.parameters, dense.nonzero, dense.size_bytes) == (5000, 5000, 20_000)
    model.set_weights([np.where(np.abs(noise) < 0.6745, 0, noise)])
    half = model_cost(model)
    assert half.size_bytes == 20_000 and 2300 < half.nonzero < 2700
    assert half.zipped_bytes < 0.65 * dense.zipped_bytes

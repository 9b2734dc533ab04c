"""What a model is worth: by the kind of its output and of the labels."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

from edgewright_converters.compression.context import Items
from edgewright_converters.compression.scores import predict, score

X = np.array([[-2.0], [-0.4], [0.3], [0.4], [3.0]], np.float32)


def through(units: int, weights: list[Any], activation: str | None = None) -> Any:
    net = keras.Sequential([keras.Input((1,)), keras.layers.Dense(units, activation=activation)])
    net.set_weights([np.asarray(w, np.float32) for w in weights])
    return net


def items(labels: Any) -> Items:
    return Items(inputs={"x": X}, labels=None if labels is None else np.asarray(labels))


@pytest.mark.parametrize("activation", [None, "sigmoid"])
def test_one_score_is_over_0_as_a_logit_and_over_a_half_as_a_probability(
    activation: str | None,
) -> None:
    net = through(1, [[[1]], [0]], activation)
    assert score(net, items([0, 0, 1, 1, 1])) == ({"accuracy": 1.0}, 5)
    assert score(net, items([0, 0, 0, 0, 1])) == ({"accuracy": 0.6}, 5)


def test_classes_are_the_greatest_of_the_outputs() -> None:
    net = through(3, [[[-1, 0, 1]], [0, 0.35, 0]])
    assert score(net, items([0, 0, 1, 2, 2])) == ({"accuracy": 1.0}, 5)


def test_numbers_have_their_mean_error_whole_or_not() -> None:
    net = through(1, [[[10]], [0]])
    targets = 10 * X[:, 0] + np.array([1, -1, 2, 0, 0], np.float32)
    assert score(net, items(targets))[0] == {"mae": pytest.approx(0.8)}
    found, _ = score(net, items(np.array([-20, -4, 3, 4, 31])))
    assert found == {"mae": pytest.approx(0.2)}


def test_without_labels_or_with_several_outputs_there_is_no_score() -> None:
    net = through(1, [[[1]], [0]])
    assert score(net, items(None)) == ({}, 0) and score(net, None) == ({}, 0)
    given = keras.Input((1,))
    two = keras.Model(given, [keras.layers.Dense(1)(given), keras.layers.Dense(1)(given)])
    assert score(two, items([0, 0, 1, 1, 1])) == ({}, 0)
    assert len(predict(two, items(None))) == 2


@pytest.mark.parametrize("dtype", [np.int64, np.float32])
def test_one_hot_rows_are_classes(dtype: Any) -> None:
    net = through(2, [[[-1, 1]], [0, 0]])
    labels = np.eye(2, dtype=dtype)[[0, 0, 1, 1, 0]]
    assert score(net, items(labels))[0] == {"accuracy": 0.8}
    assert set(score(net, items(labels * 2))[0]) <= {"mae"}

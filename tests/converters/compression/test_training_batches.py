"""Batches: an order from the seed and the epoch; data sorted by class is noticed."""

from __future__ import annotations

import numpy as np
import pytest

from edgewright_converters.compression.context import Items
from edgewright_converters.compression.training.batches import Batches, sorted_by_class


def batches(count: int, size: int, *, shuffle: bool = True, seed: int = 0) -> Batches:
    items = Items(inputs={"x": np.arange(count)[:, None]}, labels=np.arange(count))
    return Batches(items=items, dtypes={"x": "float32"}, size=size, seed=seed, shuffle=shuffle)


def order(given: Batches, epoch: int) -> list[int]:
    return [int(i) for inputs, _ in given.epoch(epoch) for i in inputs[0][:, 0]]


def test_each_item_at_most_once_and_only_full_batches() -> None:
    given = batches(22, 5)
    assert given.per_epoch == 4
    seen = order(given, 0)
    assert len(seen) == len(set(seen)) == 20
    inputs, labels = next(iter(given.epoch(0)))
    assert inputs[0].dtype == np.float32
    np.testing.assert_array_equal(inputs[0][:, 0], labels)


def test_the_order_follows_from_seed_and_epoch() -> None:
    assert order(batches(40, 8), 3) == order(batches(40, 8), 3)
    assert order(batches(40, 8), 3) != order(batches(40, 8), 4)
    assert order(batches(40, 8), 3) != order(batches(40, 8, seed=1), 3)
    assert order(batches(40, 8, shuffle=False), 3) == list(range(40))


def test_fewer_items_than_a_batch_are_one() -> None:
    assert len(order(batches(3, 64), 0)) == 3


@pytest.mark.parametrize("classes", [2, 10])
def test_data_that_is_sorted_by_class_is_noticed(classes: int) -> None:
    labels = np.repeat(np.arange(classes), 50)
    assert sorted_by_class(labels)
    assert sorted_by_class(labels[::-1])
    assert not sorted_by_class(np.random.default_rng(0).permutation(labels))


def test_what_has_no_classes_is_not_sorted() -> None:
    assert not sorted_by_class(None)
    assert not sorted_by_class(np.zeros(100, int))
    assert not sorted_by_class(np.linspace(0, 1, 100))
    assert not sorted_by_class(np.repeat(np.eye(3), 20, axis=0))

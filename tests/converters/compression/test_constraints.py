"""What earlier steps made of the weights is found again, by name and by the weights."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from edgewright_converters.compression.constraints import Clusters, Masks, find_groups, held
from edgewright_converters.compression.fold import fold
from edgewright_runtimes.records import ModelCost, Step, StepRecord

COST = ModelCost(parameters=0, nonzero=0, macs=None, size_bytes=0, zipped_bytes=0)


def history(**details: Any) -> tuple[StepRecord, ...]:
    step = Step(kind="prune", label="prune50")
    return (
        StepRecord(step=step, before=COST, after=COST, model_sha256="", seconds=0, details=details),
    )


def dense(values: Any) -> Any:
    values = np.float32(values)
    given = keras.Input((values.shape[0],))
    model = keras.Model(given, keras.layers.Dense(values.shape[1], name="d", use_bias=False)(given))
    model.set_weights([values])
    return model


def moved(model: Any, constraints: Any, by: Any) -> Any:
    """The kernel after an update that would move every weight, within a graph."""
    kernel = model.get_layer("d").kernel

    @tf.function(autograph=False)
    def step() -> None:
        for constraint in constraints:
            constraint.before_update()
        kernel.assign_add(np.float32(by))
        for constraint in constraints:
            constraint.after_update()

    step()
    return kernel.numpy()


def test_nothing_to_hold() -> None:
    assert held(dense([[1, 2]]), ()) == ((), ())
    assert held(dense([[1, 2]]), history(other=1)) == ((), ())


def test_zeros_are_held() -> None:
    model = dense([[1, 0], [0, 2]])
    constraints, notes = held(model, history(sparse={"d/kernel": 0.5}))
    np.testing.assert_array_equal(moved(model, constraints, [[1, 1], [1, 1]]), [[2, 0], [0, 3]])
    assert notes == ()
    assert constraints[0].numbers() == {"sparsity": 0.5}


def test_groups_move_by_the_mean_of_their_members() -> None:
    model = dense([[1, 2], [1, 2]])
    constraints, _ = held(model, history(clustered={"d/kernel": 2}))
    np.testing.assert_array_equal(moved(model, constraints, [[1, 0], [3, 1]]), [[3, 2.5], [3, 2.5]])


def test_zeros_in_groups_are_held_and_pull_at_no_mean() -> None:
    model = dense([[1, 0], [1, 0], [5, 5]])
    both = history(clustered={"d/kernel": 3}, sparse={"d/kernel": 0.33})
    constraints, _ = held(model, both)
    after = moved(model, constraints, [[1, 9], [3, 9], [1, 1]])
    np.testing.assert_array_equal(after, [[3, 0], [3, 0], [6, 6]])


def test_groups_of_a_kernel_whose_channels_were_scaled_are_held_by_channel() -> None:
    """Batch norm that is folded in gives each output channel its own scale."""
    codes = np.random.default_rng(0).integers(0, 3, (20, 4))
    values = np.float32([-1.0, 0.5, 2.0])[codes] * np.float32([1, 10, 0.3, 7])
    model = dense(values)
    constraints, notes = held(model, history(clustered={"d/kernel": 3}))
    assert notes == ()
    after = moved(model, constraints, np.random.default_rng(1).normal(size=values.shape))
    assert all(len(np.unique(after[:, channel])) == 3 for channel in range(4))


def test_magnitudes_beside_their_channels_greatest_stay_the_same_in_all_channels() -> None:
    rng = np.random.default_rng(0)
    codes, signs = rng.integers(0, 3, (20, 4)), rng.choice([-1, 1], (20, 4))
    codes[0] = 2  # the greatest is in every channel
    values = np.float32([0.2, 0.5, 1.0])[codes] * signs * np.float32([1, 10, 0.3, 7])
    model = dense(values)
    constraints, _ = held(model, history(clustered={"d/kernel": 6}))
    after = moved(model, constraints, 0.1 * rng.normal(size=values.shape))
    relative = np.abs(after) / np.abs(after).max(axis=0)
    assert len(np.unique(np.round(relative, 5))) == 3
    assert (np.sign(after) == np.sign(values)).all()
    assert (after != values).any()


def test_what_is_no_longer_clustered_is_left_and_said() -> None:
    model = dense(np.arange(12).reshape(6, 2))
    constraints, notes = held(model, history(clustered={"d/kernel": 4}))
    assert constraints == ()
    assert notes == ("d/kernel has more than 4 values: it is no longer clustered",)


def test_a_layer_that_is_gone_is_said() -> None:
    constraints, notes = held(dense([[1, 0]]), history(sparse={"gone/kernel": 0.5}))
    assert constraints == ()
    assert notes == ("gone/kernel is not in the model any more: nothing to hold",)


def test_what_the_caller_holds_itself_is_left_to_it() -> None:
    found = held(dense([[1, 0]]), history(sparse={"d/kernel": 0.5}), free=["d/kernel"])
    assert found == ((), ())


def test_zero_counts_as_no_value() -> None:
    assert find_groups(np.float32([[0, 1], [2, 3]]), 3) is not None
    assert find_groups(np.float32([[4, 1], [2, 3], [5, 6], [7, 8]]), 3) is None


@pytest.mark.parametrize("kind", [Masks, Clusters])
def test_they_hold_from_the_start_to_the_end(kind: Any) -> None:
    model = dense([[1, 0], [1, 2]])
    weight = model.get_layer("d").kernel
    given = weight.numpy() != 0 if kind is Masks else find_groups(weight.numpy(), 3)
    constraint = kind([(weight, given)])
    assert constraint.settled(0)
    constraint.finish()
    np.testing.assert_array_equal(weight.numpy(), [[1, 0], [1, 2]])


def test_masks_go_with_a_separable_convolution_that_was_split() -> None:
    given = keras.Input((6, 6, 2))
    model = keras.Model(given, keras.layers.SeparableConv2D(4, 3, name="sep")(given))
    deep, wide, bias = model.get_weights()
    wide[..., ::2, :] = 0
    model.set_weights([deep, wide, bias])
    records = history(sparse={"sep/pointwise_kernel": 0.5})
    for found in (model, fold(model)[0]):
        (masks,), notes = held(found, records)
        assert notes == () and masks.numbers() == {"sparsity": 0.5}
    assert held(fold(model)[0], records, free=["sep/kernel"]) == ((), ())

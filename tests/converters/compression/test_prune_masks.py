"""Which weights stay: by magnitude, in groups, in blocks, over all layers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from edgewright_converters.compression.prune.masks import (
    emptied,
    global_masks,
    group_mask,
    layer_mask,
)
from edgewright_converters.compression.prune.schedule import Schedule
from edgewright_converters.compression.prune.structure import Structure, read_structure
from edgewright_runtimes.errors import BadInput

FREE = Structure()


def kernel(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def test_the_smallest_of_a_layer_go() -> None:
    values = kernel(3, 3, 4, 8)
    mask = layer_mask(values, 0.75, FREE)
    assert (~mask).sum() == round(0.75 * values.size)
    assert np.abs(values[~mask]).max() < np.abs(values[mask]).min()


def test_what_is_zero_stays_so_while_the_mask_grows() -> None:
    values = kernel(6, 10)
    before = layer_mask(values, 0.3, FREE)
    after = layer_mask(values * before, 0.6, FREE)
    assert not (after & ~before).any()


@pytest.mark.parametrize("axis", [0, 1])
def test_two_of_every_four_inputs_stay(axis: int) -> None:
    values = kernel(8, 12)
    mask = group_mask(values, 0.5, read_structure("2:4"), axis)
    groups = np.moveaxis(mask, axis, -1).reshape(-1, 4)
    assert (groups.sum(axis=1) == 2).all()
    sizes = np.moveaxis(np.abs(values), axis, -1).reshape(-1, 4)
    assert (np.where(groups, np.inf, sizes).min(1) <= np.where(groups, sizes, np.inf).min(1)).all()


def test_on_the_way_to_groups_only_what_will_go_goes() -> None:
    values, structure = kernel(3, 3, 8, 5), read_structure("1:4")
    final = group_mask(values, 0.75, structure, -2)
    half = group_mask(values, 0.4, structure, -2)
    assert (~half).sum() == round(0.4 * values.size)
    assert not (~half & final).any()


def test_blocks_of_outputs_go_as_one() -> None:
    values = kernel(7, 10)  # the last block of each row has two outputs
    mask = layer_mask(values, 0.5, read_structure("1x4"))
    for start in (0, 4, 8):
        block = mask[:, start : start + 4]
        assert (block.all(axis=1) | ~block.any(axis=1)).all()
    means = np.stack([np.abs(values[:, i : i + 4]).mean(1) for i in (0, 4, 8)], 1)
    stays = mask[:, ::4]
    assert means[stays].min() > means[~stays].max()


def test_one_threshold_for_all_spares_the_small_and_the_important() -> None:
    kernels = {"small": kernel(4, 10) * 0.01, "wide": kernel(100, 100), "deep": kernel(50, 60) * 3}
    masks = global_masks(kernels, 0.8, FREE, least_kept=30, least_share=0.05)
    gone = {name: int((~mask).sum()) for name, mask in masks.items()}
    assert sum(gone.values()) == round(0.8 * sum(k.size for k in kernels.values()))
    assert 0 < gone["small"] <= 10, "at least 30 stay, however small they are beside the others"
    for name, values in kernels.items():
        mask = masks[name]
        assert np.abs(values[~mask]).max() <= np.abs(values[mask]).min()


def test_the_scale_of_a_layer_does_not_matter_over_all() -> None:
    kernels = {"a": kernel(40, 50), "b": kernel(30, 40, seed=1)}
    scaled = {"a": kernels["a"] * 100, "b": kernels["b"]}
    one, other = (
        global_masks(k, 0.7, FREE, least_kept=0, least_share=0.0) for k in (kernels, scaled)
    )
    for name in kernels:
        np.testing.assert_array_equal(one[name], other[name])


def test_floors_that_leave_too_little_are_said() -> None:
    with pytest.raises(BadInput, match=r"out of reach: the floors leave at most 0\.500"):
        global_masks({"a": kernel(10, 10)}, 0.9, FREE, least_kept=0, least_share=0.5)


def test_a_kernel_of_which_nothing_is_left_is_named() -> None:
    tiny, big = kernel(1, 3), kernel(50, 50)
    masks = {name: layer_mask(k, 0.9, FREE) for name, k in {"tiny": tiny, "big": big}.items()}
    assert emptied(masks) == ["tiny"]


@pytest.mark.parametrize("text", ["4:2", "0:4", "2:2", "1x1", "2x4", "half", ""])
def test_structures_that_are_none(text: str) -> None:
    with pytest.raises(BadInput, match="'unstructured', N:M"):
        read_structure(text)


def test_polynomial_decay_is_tfmots() -> None:
    """Against the values of PolynomialDecay(0.2, 0.8, 100, 300, power=3, frequency=50)."""
    schedule = Schedule(initial_sparsity=0.2, begin_step=100, end_step=300, frequency=50, power=3)
    due = [step for step in range(1000) if schedule.due(step, 1000)]
    assert due[0] == 100
    assert due[-1] == 300
    assert schedule.sparsity(100, 1000, 0.8) == pytest.approx(0.2)
    assert schedule.sparsity(200, 1000, 0.8) == pytest.approx(0.8 - 0.6 * 0.5**3)
    assert schedule.sparsity(300, 1000, 0.8) == pytest.approx(0.8)


def test_masks_are_renewed_ten_times_however_short_the_training_is() -> None:
    assert sum(Schedule().due(step, 100) for step in range(100)) >= 10
    long = [step for step in range(9000) if Schedule().due(step, 9000)]
    assert long == list(range(0, 1801, 100))


def test_constant_sparsity_is_there_at_once() -> None:
    schedule = Schedule(kind="constant", begin_step=5)
    assert [step for step in range(50) if schedule.due(step, 50)] == [5]
    assert schedule.sparsity(5, 50, 0.5) == 0.5


@pytest.mark.parametrize(
    ("given", "groups", "kind"),
    [
        ({}, False, "polynomial"),
        ({}, True, "constant"),
        ({"end_step": 30}, True, "polynomial"),
        ({"initial_sparsity": 0.2}, True, "polynomial"),
        ({"kind": "polynomial"}, True, "polynomial"),
        ({"kind": "constant"}, False, "constant"),
    ],
)
def test_groups_go_at_once_unless_a_decay_is_asked_for(
    given: dict[str, Any], groups: bool, kind: str
) -> None:
    schedule = Schedule(**given)
    assert schedule.chosen(groups=groups) == replace(schedule, kind=kind)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"initial_sparsity": 1.0}, "initial_sparsity is 1; 0 or more and less than 1 was"),
        ({"begin_step": -1}, "begin_step is -1"),
        ({"begin_step": 10, "end_step": 10}, "end_step is 10; more than 10 was expected"),
        ({"frequency": 0}, "frequency is 0"),
        ({"power": 0.0}, "power is 0; a number more than 0 was"),
    ],
)
def test_schedules_that_make_no_sense(change: dict[str, float], message: str) -> None:
    with pytest.raises(BadInput, match=message):
        Schedule(**change)


def test_a_schedule_past_the_end_of_training_is_refused() -> None:
    with pytest.raises(BadInput, match="pruning ends at step 500 and training after 100 steps"):
        Schedule(end_step=500).due(0, 100)

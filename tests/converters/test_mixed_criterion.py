"""The criterion without labels, the search over tensors, and the rounding behind both."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from math import inf
from typing import Any

import numpy as np
import pytest

from edgewright_converters.mixed.criterion import damage, points_lost, sqnr_db
from edgewright_converters.mixed.eight_bits import (
    pruned_weights,
    rounded_weights,
    scale_and_zero,
)
from edgewright_converters.mixed.layers import layers_of
from edgewright_converters.mixed.search import Limits, search
from edgewright_converters.mixed.tensors import Tensor, select
from edgewright_runtimes.errors import BadInput

CHANCES = np.array([[0.6, 0.4, 0.0], [0.1, 0.1, 0.8]], np.float32)


def test_a_changed_answer_costs_what_the_float_model_gave_it() -> None:
    other = np.array([[0.3, 0.7, 0.0], [0.1, 0.1, 0.8]], np.float32)
    assert points_lost(CHANCES, other) == pytest.approx(100 * (0.6 - 0.4) / 2)
    assert points_lost(CHANCES, CHANCES) == 0


def test_logits_are_taken_for_what_their_softmax_says() -> None:
    logits = np.log(CHANCES + 1e-9)
    swapped = logits[:, [1, 0, 2]]
    assert points_lost(logits, swapped) == pytest.approx(100 * 0.2 / 2, abs=1e-3)


def test_one_score_is_two_chances() -> None:
    assert points_lost(np.array([[0.9]], np.float32), np.array([[0.2]], np.float32)) == (
        pytest.approx(80)
    )


def test_values_that_are_no_classes_have_no_points() -> None:
    values = np.array([[3.0], [-5.0]], np.float32)
    found = damage({"y": values}, {"y": values * 1.01})
    assert found.points is None
    assert found.sqnr_db == pytest.approx(40, abs=0.01)


def test_nan_is_the_worst() -> None:
    assert sqnr_db(CHANCES, np.full_like(CHANCES, np.nan)) < -100
    assert sqnr_db(CHANCES, CHANCES) == inf


def test_weights_have_a_scale_for_each_channel() -> None:
    weights = np.array([[1.0, 0.5], [1000.0, 3.0]], np.float32)
    rounded = rounded_weights(weights, 0)
    assert rounded[0] == pytest.approx([1.0, 64 / 127])
    assert abs(rounded_weights(weights, None)[0]).max() == 0  # lost beside the large channel


def test_zero_is_exact_in_an_activation() -> None:
    scale, zero = scale_and_zero(-1.0, 3.0)
    assert scale * 255 == pytest.approx(4)
    assert -128 <= zero <= 127
    assert scale_and_zero(0.5, 2.0)[1] == -128


def test_pruning_takes_the_least() -> None:
    assert pruned_weights(np.array([3.0, -1.0, 0.5, -4.0]), 0.5).tolist() == [3, 0, 0, -4]


class Fake:
    """Eight tensors of which two spoil the outputs, each only with all ends quantized."""

    content = b"float"
    bad = frozenset({"t2", "t5"})
    activations = tuple(
        Tensor(name=f"t{i}", kind="activation", op="CONV_2D", layers=(f"l{i}",), elements=1)
        for i in range(8)
    )

    def integer(self, keep_float: Collection[str] = (), int16: Collection[str] = ()) -> bytes:
        kept = {*keep_float, *int16}
        return b",".join(name.encode() for name in sorted(kept)).ljust(100 + 10 * len(kept))

    def run(self, content: bytes, feeds: Mapping[str, Any]) -> dict[str, Any]:
        kept = set(content.strip().decode().split(","))
        spoilt = len(self.bad - kept) if content != b"float" else 0
        return {"y": CHANCES if not spoilt else CHANCES[:, ::-1]}


LIMITS = Limits(max_loss=0.5, min_sqnr_db=20, max_size=1.4)


def test_the_search_keeps_exactly_the_tensors_that_spoil() -> None:
    found = search(Fake(), {"x": CHANCES}, LIMITS)  # type: ignore[arg-type]
    assert set(found.kept) == Fake.bad
    assert found.good
    assert found.damage.points == 0
    assert found.size_ratio == pytest.approx(1.2)
    assert found.trials < 14


def test_a_healthy_model_is_left_alone() -> None:
    healthy = Fake()
    healthy.bad = frozenset()
    found = search(healthy, {"x": CHANCES}, LIMITS)  # type: ignore[arg-type]
    assert (found.kept, found.trials, found.good) == ((), 1, True)


def test_what_does_not_fit_the_size_is_said_to_be_no_good() -> None:
    tight = Limits(max_loss=0.5, min_sqnr_db=20, max_size=1.1)
    found = search(Fake(), {"x": CHANCES}, tight)  # type: ignore[arg-type]
    assert not found.good
    assert set(found.kept) == Fake.bad
    assert found.size_ratio == pytest.approx(1.2)


def test_16_bits_that_help_nothing_are_given_up_at_once() -> None:
    class Hopeless(Fake):
        def run(self, content: bytes, feeds: Mapping[str, Any]) -> dict[str, Any]:
            return {"y": CHANCES if content == b"float" else CHANCES[:, ::-1]}

    wide = Limits(max_loss=0.5, min_sqnr_db=20, max_size=1.4, wide=True)
    found = search(Hopeless(), {"x": CHANCES}, wide)  # type: ignore[arg-type]
    assert (found.trials, found.good) == (2, False)


def test_patterns_select_by_layer_and_by_tensor() -> None:
    assert select(Fake.activations, ["l1", "t[67]"], where="keep_float") == ("t1", "t6", "t7")


def test_a_pattern_that_matches_nothing_lists_the_layers() -> None:
    tensors = [Tensor(name="x", kind="activation", op="", layers=("block1",), elements=1)]
    with pytest.raises(BadInput, match=r"keep_float: no layer matches 'blokc1'.*did you mean"):
        select(tensors, ["blokc1"], where="keep_float")


@pytest.mark.parametrize(
    ("names", "known", "layers"),
    [
        ("StatefulPartitionedCall/net_1/a_relu_1/Relu_1;net_1/a_1/convolution", {"a", "a_relu"},
         ("a_relu", "a")),
        ("net_1/conv2d_2_1/convolution/merged_input", (), ("conv2d_2",)),
        ("model/conv2d_1/Conv2D", (), ("conv2d_1",)),
        ("Identity", (), ()),
    ],
)  # fmt: skip
def test_layers_are_found_in_the_names_of_operations(
    names: str, known: Collection[str], layers: tuple[str, ...]
) -> None:
    assert layers_of(names, known) == layers

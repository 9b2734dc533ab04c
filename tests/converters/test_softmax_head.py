"""Moving a classifier's logits: the same answers, a smaller range, and only where it pays."""

from __future__ import annotations

import numpy as np
import pytest

from edgewright_converters.calibration import DecisiveRange
from edgewright_converters.softmax_head import Head, decisive_range, recentred


def softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


@pytest.fixture
def spread() -> tuple[Head, np.ndarray]:
    """Logits that all grow with the item's size, as those of unbounded features do."""
    rng = np.random.default_rng(0)
    features = rng.exponential(size=(256, 6)).astype(np.float32)
    weights = rng.normal(size=(6, 5)).astype(np.float32) * 0.3 + 20
    return Head(weights=weights, bias=np.zeros(5, np.float32)), features


def test_answers_stay_and_the_range_shrinks(spread: tuple[Head, np.ndarray]) -> None:
    head, features = spread
    moved = recentred(head, features)
    assert moved is not None
    before, after = softmax(head.logits(features)), softmax(moved.logits(features))
    np.testing.assert_allclose(after, before, atol=1e-4)
    low, high = decisive_range(head, features)
    new_low, new_high = decisive_range(moved, features)
    assert new_high - new_low < (high - low) / 5


def test_a_head_that_sits_well_is_left_alone() -> None:
    rng = np.random.default_rng(1)
    features = rng.normal(size=(64, 32)).astype(np.float32)
    head = Head(weights=rng.normal(size=(32, 10)).astype(np.float32), bias=np.zeros(10))
    assert recentred(head, features) is None


def test_too_few_items_or_classes_are_left_alone(spread: tuple[Head, np.ndarray]) -> None:
    head, features = spread
    assert recentred(head, features[:10]) is None
    two = Head(weights=head.weights[:, :2], bias=head.bias[:2])
    assert recentred(two, features) is None


def test_what_lies_outside_the_decisive_range_changes_less_than_half_a_step() -> None:
    rng = np.random.default_rng(2)
    logits = rng.normal(size=(500, 7)) * np.array([1, 3, 9, 30, 90, 200, 400])
    decisive = DecisiveRange(softmax=True)
    decisive.update(logits)
    low, high = decisive.within(float(logits.min()), float(logits.max()))
    assert low > logits.min() / 2
    change = np.abs(softmax(np.clip(logits, low, high)) - softmax(logits))
    assert change.max() <= 1 / 512


def test_a_sigmoid_needs_a_fixed_range_only() -> None:
    decisive = DecisiveRange(softmax=False)
    low, high = decisive.within(-500.0, 3.0)
    assert high == 3.0
    assert 1 / (1 + np.exp(-low)) < 1 / 512

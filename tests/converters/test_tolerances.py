"""Verdicts on goldens: what passes, what does not, what gets none."""

from __future__ import annotations

import numpy as np
import pytest

from edgewright_converters.tolerances import TOLERANCES, judge, output_range
from edgewright_runtimes.records import SCHEMES

LOGITS = np.linspace(-50, 50, 80).reshape(8, 10).astype(np.float32)


def test_every_scheme_has_a_tolerance() -> None:
    assert {s for schemes in SCHEMES.values() for s in schemes} == set(TOLERANCES)


@pytest.mark.parametrize("scheme", TOLERANCES)
def test_equal_answers_pass_and_mixed_up_ones_do_not(scheme: str) -> None:
    assert judge(scheme, {"y": LOGITS}, {"y": LOGITS.copy()}, real=True).ok is True
    shuffled = LOGITS[::-1, ::-1]
    judgement = judge(scheme, {"y": LOGITS}, {"y": shuffled}, real=True)
    assert judgement.ok is False
    assert judgement.hint


def test_a_wrong_16x8_is_not_blamed_on_the_data() -> None:
    hints = [
        judge(scheme, {"y": LOGITS}, {"y": LOGITS[::-1]}, real=True).hint
        for scheme in ("int16x8", "int16x8-mixed", "int8")
    ]
    assert ["calibrate" in hint for hint in hints] == [False, False, True]
    assert all("quantizer" in hint for hint in hints[:2])


def test_error_is_relative_to_the_sources_range() -> None:
    judgement = judge("float16", {"y": LOGITS}, {"y": LOGITS + 1}, real=True)
    assert judgement.max_error == pytest.approx(0.01, rel=1e-3)


def test_random_goldens_give_no_verdict_on_integers() -> None:
    off = {"y": LOGITS + 90}
    assert judge("int8", {"y": LOGITS}, off, real=False).ok is None
    assert judge("int8-mixed", {"y": LOGITS}, {"y": LOGITS}, real=False).ok is None
    assert judge("float32", {"y": LOGITS}, off, real=False).ok is False


@pytest.mark.parametrize("scheme", ["float32", "int8"])
def test_nan_and_wrong_shape_never_pass(scheme: str) -> None:
    nan = np.where(LOGITS > 40, np.nan, LOGITS)
    judgement = judge(scheme, {"y": LOGITS}, {"y": nan}, real=False)
    assert judgement.ok is False
    assert judgement.max_error is None
    assert judge(scheme, {"y": LOGITS}, {"y": LOGITS[:, :9]}, real=False).ok is False


def test_the_worst_output_decides() -> None:
    two = {"a": LOGITS, "b": LOGITS}
    judgement = judge("float32", two, {"a": LOGITS, "b": LOGITS + 1}, real=True)
    assert judgement.ok is False
    assert "'b'" in judgement.words


def test_labels_and_text_are_counted() -> None:
    labels = np.arange(8)
    assert judge("float32", {"y": labels}, {"y": labels}, real=True).ok is True
    one_off = np.array([0, 1, 2, 3, 4, 5, 6, 0])
    assert judge("float32", {"y": labels}, {"y": one_off}, real=True).ok is False
    assert judge("int8", {"y": labels}, {"y": one_off}, real=True).max_error == 0.125
    words = np.array(["a", "b"])
    assert judge("float32", {"y": words}, {"y": words.astype("S1").astype(str)}, real=True).ok


def test_range_of_distributions_constants_and_nothing() -> None:
    assert output_range(np.array([[0.3, 0.7], [0.5, 0.5]])) == 1.0
    assert output_range(np.array([[2.0, 6.0]])) == 4.0
    assert output_range(np.full((2, 1), 5.0)) == pytest.approx(5e-3)
    assert output_range(np.zeros((2, 1))) == 1.0

"""Calibration items: drawn over the whole set, and warned about where they look wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgewright.accuracy.items import choose_items
from edgewright.data import open_data
from edgewright.data.calibration_set import draw, ranges, warnings_for
from edgewright.data.feeds import model_feeds
from edgewright_runtimes.errors import BadInput
from edgewright_runtimes.preprocess import Preprocess
from edgewright_runtimes.records import SourceInfo, TensorSpec

IMAGE = (TensorSpec(name="image", dtype="float32", shape=(None, 4, 4, 1)),)
RANDOM = np.random.default_rng(0)


def _warnings(
    tmp_path: Path, x: np.ndarray, y: np.ndarray | None, plain: dict[str, Any], samples: int = 200
) -> tuple[str, ...]:
    np.savez(tmp_path / "d.npz", x=x, **({} if y is None else {"y": y}))
    drawn = draw(open_data(str(tmp_path / "d.npz")), samples, seed=0)
    return warnings_for(drawn, Preprocess.from_dict(plain), IMAGE)


def test_the_draw_is_over_the_whole_set_and_by_its_seed(tmp_path: Path) -> None:
    y = np.repeat(np.arange(10), 100)  # sorted by class
    np.savez(tmp_path / "d.npz", x=np.arange(1000.0)[:, None], y=y)
    data = open_data(str(tmp_path / "d.npz"))
    one, same, other = draw(data, 200, 1), draw(data, 200, 1), draw(data, 200, 2)
    assert set(np.asarray(one.y)) == set(range(10))
    np.testing.assert_array_equal(one.indices, same.indices)
    assert list(one.indices) != list(other.indices)
    assert len(set(one.indices)) == 200
    np.testing.assert_array_equal(one.x["x"][:, 0], one.indices)
    assert one.data_sha256 == data.sha256 and (one.seed, one.asked, one.of) == (1, 200, 1000)
    assert ranges(one.x) == {"x": (float(one.indices[0]), float(one.indices[-1]))}


def test_good_items_have_no_warning(tmp_path: Path) -> None:
    x = RANDOM.integers(0, 256, (300, 4, 4, 1)).astype(np.uint8)
    assert _warnings(tmp_path, x, np.arange(300) % 3, {"scale": "1/255"}) == ()


@pytest.mark.parametrize(
    ("x", "y", "plain", "message"),
    [
        (RANDOM.random((20, 4, 4, 1)), None, {}, "20 items (all there are)"),
        (RANDOM.random((300, 4, 4, 1)), np.full(300, 2), {}, "all of one class (2)"),
        (np.zeros((300, 4, 4, 1)), None, {}, "every value is the same"),
        (RANDOM.random((300, 4, 4, 1)), None, {"scale": "1/255"}, "is it scaled twice?"),
        (RANDOM.random((300, 4, 4, 1)), None, {"scale": 65535}, "is a scale missing?"),
        (RANDOM.integers(0, 256, (300, 4, 4, 1)), None, {}, "no preprocessing declared"),
    ],
)
def test_what_looks_wrong(
    tmp_path: Path, x: np.ndarray, y: np.ndarray | None, plain: dict[str, Any], message: str
) -> None:
    warnings = _warnings(tmp_path, x, y, plain)
    assert len(warnings) == 1 and message in warnings[0]


def test_no_sample_is_no_calibration(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="0 samples"):
        _warnings(tmp_path, RANDOM.random((3, 4, 4, 1)), None, {}, samples=0)


def test_feeds_are_named_shaped_and_typed_as_the_model_takes_them() -> None:
    inputs = (
        TensorSpec(name="image", dtype="float32", shape=(None, 4, 4, 1)),
        TensorSpec(name="tokens", dtype="int32", shape=(None, None)),
    )
    x = {"tokens": np.ones((2, 5), np.int64), "image": np.full((2, 4, 4), 10, np.uint8)}
    feeds = model_feeds(x, Preprocess.from_dict({"scale": 0.5}), inputs)
    assert feeds["image"].shape == (2, 4, 4, 1) and feeds["image"].dtype == np.float32
    assert feeds["image"].max() == 5.0
    assert feeds["tokens"].dtype == np.int32 and feeds["tokens"].max() == 1


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (
            {"left": np.ones((2, 4)), "labels": np.ones(2)},
            "no input named 'tokens', 'mask'; it has left, labels; name .* y is for the labels",
        ),
        ({"tokens": np.full((2, 5), 0.5), "mask": np.ones((2, 3))}, "the data has fractions"),
        ({"tokens": np.full((2, 5), 2**40), "mask": np.ones((2, 3))}, "takes int32, the data has"),
        ({"tokens": np.ones((2, 5)), "mask": np.ones((2, 4))}, r"of shape \[3\], the data has \[4"),
    ],
)
def test_feeds_that_do_not_fit(x: dict[str, np.ndarray], message: str) -> None:
    inputs = (
        TensorSpec(name="tokens", dtype="int32", shape=(None, None)),
        TensorSpec(name="mask", dtype="float32", shape=(None, 3)),
    )
    with pytest.raises(BadInput, match=message):
        model_feeds(x, Preprocess.from_dict({}), inputs)


def test_labels_under_another_name_are_not_left_out_in_silence(tmp_path: Path) -> None:
    path = tmp_path / "d.npz"
    x = RANDOM.random((300, 4, 4, 1), dtype=np.float32)
    np.savez(path, x=x, labels=np.arange(300) % 3)
    data = open_data(str(path))
    said = f"{path}: labels is not used, no input of the model is so named; labels are taken from y"
    assert warnings_for(draw(data, 200, seed=0), Preprocess.from_dict({}), IMAGE)[0].startswith(
        said
    )
    source = SourceInfo(path="m.keras", sha256="s", kind="keras", inputs=IMAGE, outputs=IMAGE)
    assert choose_items(data, None, source).warnings[0].startswith(said)
    np.savez(path, x=x, extra=x, more=x, y=np.arange(300) % 3)
    (line,) = choose_items(open_data(str(path)), None, source).warnings
    assert line == f"{path}: extra, more are not used, no input of the model is so named"

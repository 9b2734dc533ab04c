"""Declared preprocessing: its order, its refusals, and the vectors that JavaScript shares."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgewright_runtimes.errors import BadInput
from edgewright_runtimes.preprocess import Preprocess

VECTORS = json.loads((Path(__file__).parents[1] / "data" / "preprocess_vectors.json").read_text())


@pytest.mark.parametrize("vector", VECTORS, ids=[v["name"] for v in VECTORS])
def test_shared_vectors(vector: dict[str, Any]) -> None:
    x = np.asarray(vector["x"], np.float64).reshape(vector["x_shape"])
    expected = np.asarray(vector["y"], np.float32).reshape(vector["y_shape"])
    result = Preprocess.from_dict(vector["preprocess"]).apply(x.astype(vector["x_dtype"]))
    assert result.dtype == np.float32 and result.flags.c_contiguous
    np.testing.assert_allclose(result, expected, atol=1e-5 * max(1, np.abs(expected).max()))


def test_empty_is_identity() -> None:
    x = np.arange(6, dtype=np.uint8).reshape(2, 3)
    preprocess = Preprocess.from_dict({})
    assert preprocess.empty and preprocess.to_dict() == {}
    np.testing.assert_array_equal(preprocess.apply(x), x.astype(np.float32))


def test_plain_data_comes_back() -> None:
    plain = {
        "resize": {"size": [4, 6], "method": "nearest"},
        "crop": [4, 4],
        "color_order": "bgr",
        "scale": 0.5,
        "mean": [1.0, 2.0, 3.0],
        "std": 2.0,
        "layout": "nchw",
        "inputs": ["image"],
    }
    assert Preprocess.from_dict(plain).to_dict() == plain
    assert json.loads(json.dumps(Preprocess.from_dict(plain).to_dict())) == plain


def test_the_order_is_crop_then_colour_then_numbers_then_layout() -> None:
    x = np.arange(1 * 3 * 3 * 3, dtype=np.float32).reshape(1, 3, 3, 3)
    result = Preprocess.from_dict(
        {"crop": [1, 1], "color_order": "bgr", "scale": 2, "mean": [1, 2, 3], "layout": "nchw"}
    ).apply(x)
    centre = x[0, 1, 1]
    expected = centre[::-1] * 2 - [1, 2, 3]
    np.testing.assert_array_equal(result, expected.reshape(1, 3, 1, 1))


def test_the_raw_items_stay_as_they_were() -> None:
    x = np.ones((1, 2, 2, 3), np.float32)
    Preprocess.from_dict({"mean": 1.0, "scale": 3.0, "color_order": "bgr"}).apply(x)
    np.testing.assert_array_equal(x, 1)


def test_resizing_twice_changes_nothing() -> None:
    x = np.random.default_rng(0).random((2, 9, 7, 3), np.float32)
    preprocess = Preprocess.from_dict({"resize": {"size": [5, 5], "antialias": True}})
    once = preprocess.apply(x)
    np.testing.assert_array_equal(preprocess.apply(once), once)


def test_only_the_named_inputs() -> None:
    feeds = {"image": np.ones((1, 2)), "tokens": np.array([[3]])}
    result = Preprocess.from_dict({"scale": 2, "inputs": ["image"]}).apply_feeds(feeds)
    assert result["image"].tolist() == [[2, 2]] and result["tokens"].dtype == np.int64


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        ({"colour_order": "rgb"}, "no field 'colour_order'; known: .*did you mean 'color_order'"),
        ({"resize": {"size": [1, 1], "antialiased": True}}, "did you mean 'antialias'"),
        ({"resize": {"method": "nearest"}}, r"a table with size = \[height, width\]"),
        ({"resize": {"size": [4, 4], "method": "cubic"}}, "'cubic', nearest or bilinear"),
        ({"resize": {"size": [4, 4], "antialias": 1}}, "true or false"),
        ({"resize": [4, 0]}, r"\[4, 0\], \[height, width\] in pixels"),
        ({"crop": 5}, r"crop is 5"),
        ({"crop": [True, 5]}, r"crop is \[True, 5\]"),
        ({"scale": 0}, "a number other than 0"),
        ({"scale": "1/0"}, "a fraction like '1/255'"),
        ({"scale": "all"}, "scale is 'all'"),
        ({"std": [1, 0, 1]}, "std is 0"),
        ({"std": 1e-60}, "a number other than 0"),
        ({"mean": float("nan")}, "mean is nan"),
        ({"mean": []}, r"mean is \[\]"),
        ({"layout": "hwc"}, "'hwc', nhwc or nchw"),
        ({"color_order": ["b"]}, "rgb or bgr"),
        ({"inputs": "image"}, "a list of input names"),
    ],
)
def test_declarations_that_are_refused(mapping: dict[str, Any], message: str) -> None:
    with pytest.raises(BadInput, match=message):
        Preprocess.from_dict(mapping)


@pytest.mark.parametrize(
    ("mapping", "shape", "message"),
    [
        ({"crop": [9, 9]}, (1, 4, 4, 3), r"crop \[9, 9\] is larger than the image \[4, 4\]"),
        ({"resize": [2, 2]}, (1, 4), r"wants images .* not \[1, 4\]"),
        ({"mean": [1, 2]}, (1, 4, 4, 3), "mean has 2 values, .* have 3 channels"),
        ({"color_order": "bgr"}, (1, 4, 4, 1), "wants 3 channels, not 1"),
    ],
)
def test_items_that_do_not_fit(
    mapping: dict[str, Any], shape: tuple[int, ...], message: str
) -> None:
    with pytest.raises(BadInput, match=message):
        Preprocess.from_dict(mapping).apply(np.zeros(shape))

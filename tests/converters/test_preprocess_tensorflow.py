"""The numpy resize against ``tf.image.resize``, and the shared vectors made by TensorFlow.

``python tests/converters/test_preprocess_tensorflow.py`` writes the vectors anew.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgewright_runtimes.preprocess import Preprocess

VECTORS = Path(__file__).parents[1] / "data" / "preprocess_vectors.json"
OLD = [(5, 7), (13, 9), (32, 32), (64, 17), (1, 3)]
NEW = [(5, 7), (7, 3), (31, 33), (96, 96), (1, 1), (100, 13)]


@pytest.mark.parametrize("antialias", [False, True])
@pytest.mark.parametrize("method", ["nearest", "bilinear"])
def test_resize_is_tensorflows(method: str, antialias: bool) -> None:
    import tensorflow as tf

    random = np.random.default_rng(5)
    for old in OLD:
        x = random.random((2, *old, 3), np.float32)
        for new in NEW:
            expected = tf.image.resize(x, new, method=method, antialias=antialias).numpy()
            plain = {"resize": {"size": list(new), "method": method, "antialias": antialias}}
            result = Preprocess.from_dict(plain).apply(x)
            np.testing.assert_allclose(result, expected, rtol=0, atol=1e-5, err_msg=f"{old} {new}")


def test_pixels_of_a_byte_are_resized_as_tensorflow_does() -> None:
    import tensorflow as tf

    x = np.random.default_rng(6).integers(0, 256, (1, 37, 53, 3)).astype(np.uint8)
    expected = tf.image.resize(x, (16, 20), antialias=True).numpy()
    plain = {"resize": {"size": [16, 20], "antialias": True}, "scale": "1/255"}
    result = Preprocess.from_dict(plain).apply(x)
    np.testing.assert_allclose(result, expected / 255, rtol=0, atol=1e-5)


def test_the_shared_vectors_are_tensorflows() -> None:
    stored = json.loads(VECTORS.read_text())
    fresh = make_vectors()
    assert [v["name"] for v in stored] == [v["name"] for v in fresh]
    for one, other in zip(stored, fresh, strict=True):
        assert {k: v for k, v in one.items() if k != "y"} == {
            k: v for k, v in other.items() if k != "y"
        }
        np.testing.assert_allclose(one["y"], other["y"], rtol=1e-5, atol=1e-5)


def make_vectors() -> list[dict[str, Any]]:
    """Raw items, a declaration, and what TensorFlow makes of them, flat."""
    random = np.random.default_rng(2024)
    cases: dict[str, tuple[tuple[int, ...], dict[str, Any]]] = {
        "identity": ((2, 3), {}),
        "scale": ((2, 3), {"scale": 1 / 255}),
        "mean-std-per-channel": (
            (1, 2, 2, 3),
            {"scale": 1 / 255, "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]},
        ),
        "nearest-up": ((1, 2, 3, 1), {"resize": {"size": [5, 4], "method": "nearest"}}),
        "nearest-down": ((1, 7, 5, 1), {"resize": {"size": [3, 2], "method": "nearest"}}),
        "bilinear-up": ((1, 2, 3, 1), {"resize": {"size": [5, 4], "method": "bilinear"}}),
        "bilinear-down": ((1, 7, 5, 1), {"resize": {"size": [3, 2], "method": "bilinear"}}),
        "bilinear-down-antialias": (
            (1, 7, 5, 1),
            {"resize": {"size": [3, 2], "method": "bilinear", "antialias": True}},
        ),
        "bilinear-mixed-antialias": (
            (1, 3, 8, 1),
            {"resize": {"size": [5, 3], "method": "bilinear", "antialias": True}},
        ),
        "crop-odd": ((1, 5, 4, 1), {"crop": [2, 3]}),
        "bgr-nchw": ((1, 2, 2, 3), {"color_order": "bgr", "layout": "nchw"}),
        "all": (
            (1, 6, 5, 3),
            {
                "resize": {"size": [4, 4], "method": "bilinear", "antialias": True},
                "crop": [3, 2],
                "color_order": "bgr",
                "scale": 1 / 255,
                "mean": [0.4, 0.5, 0.6],
                "std": 0.25,
                "layout": "nchw",
            },
        ),
    }
    return [_vector(name, shape, plain, random) for name, (shape, plain) in cases.items()]


def _vector(
    name: str, shape: tuple[int, ...], plain: dict[str, Any], random: np.random.Generator
) -> dict[str, Any]:
    x = random.integers(0, 256, shape).astype(np.uint8)
    y = _by_tensorflow(x, plain)
    return {
        "name": name,
        "preprocess": plain,
        "x_dtype": "uint8",
        "x_shape": list(shape),
        "x": x.ravel().tolist(),
        "y_shape": list(y.shape),
        "y": [round(float(v), 6) for v in y.ravel()],
    }


def _by_tensorflow(x: np.ndarray, plain: dict[str, Any]) -> np.ndarray:
    import tensorflow as tf

    y = tf.cast(x, tf.float32)
    if "resize" in plain:
        resize = plain["resize"]
        y = tf.image.resize(
            y, resize["size"], method=resize["method"], antialias=resize.get("antialias", False)
        )
    if "crop" in plain:
        height, width = plain["crop"]
        top, left = (y.shape[1] - height) // 2, (y.shape[2] - width) // 2
        y = tf.image.crop_to_bounding_box(y, top, left, height, width)
    if plain.get("color_order") == "bgr":
        y = tf.reverse(y, [-1])
    y = (y * plain.get("scale", 1.0) - plain.get("mean", 0.0)) / plain.get("std", 1.0)
    return np.asarray(tf.transpose(y, [0, 3, 1, 2]) if plain.get("layout") == "nchw" else y)


if __name__ == "__main__":
    VECTORS.write_text("[\n" + ",\n".join(json.dumps(v) for v in make_vectors()) + "\n]\n")

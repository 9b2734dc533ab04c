"""Quantization-aware training: what is rounded, how, and what stays in floats."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from tests.converters.compression.random_graphs import build_net, one_of_each
from tests.converters.compression.small import context, items, net, same_weights

from edgewright_converters.compression.constraints import SPARSE
from edgewright_converters.compression.fold import fold
from edgewright_converters.compression.graph.flat import flatten
from edgewright_converters.compression.qat.calibrate import pixel_range
from edgewright_converters.compression.qat.graph import nudged, with_ranges
from edgewright_converters.compression.qat.plan import make_plan
from edgewright_converters.compression.qat.scales import fake_quantized
from edgewright_converters.compression.qat.step import Qat, QatFinetune, apply
from edgewright_converters.compression.recipe import parse_name, read_steps
from edgewright_runtimes.errors import BadInput
from edgewright_runtimes.records import ModelCost, Step, StepRecord

layers = keras.layers
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
SHORT = QatFinetune(epochs=2, batch_size=32, learning_rate=1e-3)
COST = ModelCost(parameters=1, nonzero=1, macs=1, size_bytes=4, zipped_bytes=4)


def record(**details: Any) -> StepRecord:
    step = Step(kind="prune", label="prune50", params={})
    return StepRecord(
        step=step, before=COST, after=COST, model_sha256="", seconds=0.0, details=details
    )


@pytest.mark.parametrize("ranges", ["moving_average", "learned"])
def test_a_net_is_trained_and_comes_out_plain(tmp_path: Path, ranges: Any) -> None:
    model = net()
    result = apply(model, Qat(ranges=ranges, finetune=SHORT), context(tmp_path))
    kinds = {type(layer).__name__ for layer in result.model.layers}
    assert kinds == {"InputLayer", "Dense", "Dropout", "BatchNormalization"}
    assert [s.layer for s in result.skipped] == ["norm"]  # it stands after a ReLU
    assert set(result.details["int8_scores"]) == {"accuracy"}
    assert result.ranges is not None
    assert set(result.ranges.inputs) == {"x"}
    assert set(result.ranges.layers) == {"first", "norm", "second", "head", "head:linear"}
    assert result.ranges.layers["head"] == (-0.0, 255 / 256)
    for low, high in (*result.ranges.inputs.values(), *result.ranges.layers.values()):
        code = -low / ((high - low) / 255)
        assert low <= 0 <= high
        assert code == pytest.approx(round(code), abs=1e-3)
    assert not same_weights(result.model, fold(model)[0])


def test_the_ranges_are_frozen_at_last(tmp_path: Path) -> None:
    seen = context(tmp_path)
    half = apply(net(), Qat(freeze=0.0, finetune=SHORT), seen)
    none = apply(net(), Qat(finetune=QatFinetune(epochs=0)), context(tmp_path / "none"))
    assert half.ranges is not None and none.ranges is not None
    assert half.ranges.layers == none.ranges.layers  # as calibration left them


def test_sparsity_is_kept(tmp_path: Path) -> None:
    model = net()
    kernel = model.get_layer("second").kernel
    mask = np.random.default_rng(0).random(kernel.shape) < 0.5
    kernel.assign(kernel * mask)
    history = (record(**{SPARSE: {"second/kernel": 0.5}}),)
    result = apply(model, Qat(finetune=SHORT), context(tmp_path, history=history))
    trained = result.model.get_layer("second").get_weights()[0]
    assert (trained[~mask] == 0).all()
    assert (trained[mask] != 0).all()


def test_what_is_not_known_stays_in_floats_and_is_listed(tmp_path: Path) -> None:
    given = keras.Input((8,), name="x")
    x = layers.Dense(8, activation="silu", name="smooth")(given)
    x = layers.LayerNormalization(name="norm")(x)
    x = layers.Dense(3, name="head")(x)
    result = apply(keras.Model(given, x), Qat(finetune=SHORT), context(tmp_path))
    assert {s.layer for s in result.skipped} == {"smooth", "norm"}
    assert result.ranges is not None
    assert set(result.ranges.layers) == {"smooth:linear", "norm", "head"}


def test_bad_input(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="qat needs data"):
        apply(net(), Qat(), context(tmp_path, train=None))
    given = keras.Input((8,), name="x")
    nothing = keras.Model(given, layers.LayerNormalization()(given))
    with pytest.raises(BadInput, match="no integer kernel for any layer"):
        apply(nothing, Qat(), context(tmp_path))
    with pytest.raises(BadInput, match=r"freeze is 1.5"):
        read_steps([{"kind": "qat", "freeze": 1.5}])
    with pytest.raises(BadInput, match="8"):
        wrong = items()
        apply(build_net(one_of_each(True)), Qat(), context(tmp_path, train=wrong))
    assert parse_name("qat_int8")[0].label == "qat"


def test_residuals_and_concatenations_share_ranges() -> None:
    given = keras.Input((8, 8, 4), name="image")
    x = layers.Conv2D(4, 3, padding="same", name="a")(given)
    y = layers.Conv2D(4, 3, padding="same", name="b")(given)
    z = layers.Add(name="sum")([x, y])
    z = layers.ReLU(name="relu")(z)
    w = layers.Concatenate(name="both")([z, layers.MaxPooling2D(2, 1, "same", name="pool")(x)])
    model = keras.Model(given, layers.GlobalAveragePooling2D(name="mean")(w))
    plan = make_plan(flatten(model))
    assert set(plan.groups) == {"image", "a", "b", "relu", "pool", "both", "mean"}
    assert len({plan.groups[name] for name in ("relu", "both", "pool", "a")}) == 1
    assert len({plan.groups[name] for name in ("image", "a", "b", "mean")}) == 4


def test_pixels_lie_on_codes() -> None:
    pixels = np.arange(256, dtype=np.float32)
    assert pixel_range(pixels) == (0.0, 255.0)
    assert pixel_range(pixels / 255) == pytest.approx((0, 1))
    centred = pixel_range(pixels / np.float32(127.5) - 1)
    assert centred == pytest.approx((-1, -1 + 255 / 127))  # the zero point would be a half
    assert pixel_range(pixels - 100) == pytest.approx((-100, 155))
    assert pixel_range(np.random.default_rng(0).normal(size=1000)) is None
    assert pixel_range(np.array([0.0, 1.0])) is None


def test_weights_stand_on_whole_numbers() -> None:
    rng = np.random.default_rng(0)
    kernel = rng.normal(size=(3, 3, 4, 5)).astype(np.float32)
    kernel[..., 1] = 0  # an empty channel
    kernel[..., 2] *= 1e-12  # a dead one: its bias would not fit beside its weights
    bias = rng.normal(size=5).astype(np.float32)
    quantized, added = (v.numpy() for v in fake_quantized("Conv2D", kernel, bias, 0.02))
    scale = np.abs(quantized).max(axis=(0, 1, 2)) / 127
    assert (quantized[..., 1:3] == 0).all()
    scale[1:3] = scale.max()
    codes = quantized / scale
    np.testing.assert_allclose(codes, np.round(codes), atol=1e-3)
    np.testing.assert_allclose(added / (0.02 * scale), np.round(added / (0.02 * scale)), atol=1e-2)
    np.testing.assert_allclose(added, bias, atol=0.02 * float(scale.max()))


def test_ranges_of_another_model_are_refused(tmp_path: Path) -> None:
    result = apply(net(), Qat(finetune=QatFinetune(epochs=0)), context(tmp_path))
    assert result.ranges is not None
    other = keras.Sequential([keras.Input((8,)), layers.Dense(3, name="other")])
    with pytest.raises(BadInput, match="of another model"):
        with_ranges(other, result.ranges, pooling="left")


def test_nudging_keeps_the_width() -> None:
    low, high = nudged(-1.0, 1.0)
    assert high - low == pytest.approx(2.0)
    code = -low / (2 / 255)
    assert code == pytest.approx(round(code), abs=1e-3)

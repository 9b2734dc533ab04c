"""Mixed precision in both formats: a net with one bad tensor, which has to stay out of int8."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.converters.nets import KerasSource

from edgewright_converters.compression.quantize import Quantize
from edgewright_converters.compression.recipe import to_step
from edgewright_converters.errors import ConversionError
from edgewright_converters.formats import onnx, tflite
from edgewright_converters.formats.format import Calibration, WriteRequest, Written
from edgewright_converters.mixed.bias import corrected
from edgewright_converters.mixed.criterion import damage
from edgewright_converters.mixed.sensitivity import open_float
from edgewright_converters.mixed.tensors import FloatModel
from edgewright_runtimes import load
from edgewright_runtimes.errors import BadInput
from edgewright_runtimes.records import Variant

FORMATS = ("tflite", "onnx")
WRITERS: dict[str, Any] = {"tflite": tflite, "onnx": onnx}


def net() -> Any:
    """Channels of ``bad`` differ 20,000-fold, and ``after`` undoes that: floats do not mind."""
    import keras

    keras.utils.set_random_seed(3)
    layers = keras.layers
    x = given = keras.Input((8, 8, 3), name="image")
    for name in ("first", "bad", "after", "last"):
        x = layers.Conv2D(8, 3, padding="same", activation="relu", name=name)(x)
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    model = keras.Model(given, layers.Dense(5, name="score")(x), name="net")
    generator = np.random.default_rng(0)
    for layer in model.layers:
        if layer.weights:
            kernel, bias = layer.get_weights()
            layer.set_weights([kernel, generator.normal(0, 0.05, bias.shape)])
    kernel, bias = model.get_layer("score").get_weights()
    model.get_layer("score").set_weights([40 * kernel, bias])  # answers that are sure of themselves
    scale = np.exp(generator.uniform(-5, 5, 8)).astype(np.float32)
    kernel, bias = model.get_layer("bad").get_weights()
    model.get_layer("bad").set_weights([kernel * scale, bias * scale])
    kernel, bias = model.get_layer("after").get_weights()
    model.get_layer("after").set_weights([kernel / scale[:, None], bias])
    return model


@pytest.fixture(scope="module")
def source() -> KerasSource:
    return KerasSource(net())


@pytest.fixture(scope="module")
def feeds() -> dict[str, Any]:
    return {"image": np.random.default_rng(1).normal(size=(48, 8, 8, 3)).astype(np.float32)}


@pytest.fixture(scope="module", params=FORMATS)
def model(request: pytest.FixtureRequest, source: KerasSource, feeds: dict[str, Any]) -> FloatModel:
    return open_float(source, request.param, feeds)


@pytest.fixture
def write(source: KerasSource, feeds: dict[str, Any], tmp_path: Path) -> Callable[..., Written]:
    def run(format_: Any, options: Quantize) -> Written:
        variant = Variant(format=format_, scheme="int8", steps=(to_step("quantize", options),))
        request = WriteRequest(variant=variant, batch=1, calibration=Calibration(feeds=feeds))
        written: Written = WRITERS[format_].write(source, request, tmp_path)
        return written

    return run


def noise(model: FloatModel, content: bytes, feeds: dict[str, Any]) -> float:
    return damage(model.run(model.content, feeds), model.run(content, feeds)).sqnr_db


def named(model: FloatModel, layer: str) -> list[str]:
    return [t.name for t in model.activations if any(n.startswith(layer) for n in t.layers)]


def test_the_float_artifact_is_the_source(
    model: FloatModel, source: KerasSource, feeds: dict[str, Any]
) -> None:
    got = model.run(model.content, feeds)
    expected = source.predict(feeds)
    for name, values in expected.items():
        assert np.abs(got[name] - values).max() < 1e-4


def test_the_bad_tensor_is_the_one_that_hurts_alone(
    model: FloatModel, feeds: dict[str, Any]
) -> None:
    found = {t.name: noise(model, model.alone([t.name]), feeds) for t in model.activations}
    worst = min(found, key=lambda name: found[name])
    assert worst in named(model, "bad")
    others = [value for name, value in found.items() if name not in named(model, "bad")]
    assert found[worst] < min(others) - 10


def test_every_weight_can_go_through_8_bits_alone(model: FloatModel, feeds: dict[str, Any]) -> None:
    assert len(model.weights) == 5
    for tensor in model.weights:
        broken = tensor.layer == "after"  # each channel takes its inputs at scales far apart
        found = noise(model, model.alone([tensor.name]), feeds)
        assert found < 20 if broken else 40 < found < 80


def test_pruning_all_but_nothing_changes_little_and_much_changes_much(
    model: FloatModel, feeds: dict[str, Any]
) -> None:
    name = model.weights[0].name
    little, much = (noise(model, model.pruned(name, ratio), feeds) for ratio in (0.05, 0.9))
    assert little > much + 10


def test_keeping_the_bad_tensor_float_saves_the_outputs(
    model: FloatModel, feeds: dict[str, Any]
) -> None:
    all_int8 = noise(model, model.integer(), feeds)
    saved = noise(model, model.integer(named(model, "bad")), feeds)
    assert saved > all_int8 + 10
    everything = [tensor.name for tensor in model.activations]
    assert noise(model, model.integer(everything), feeds) > 90  # nothing is left in int8


def test_bias_correction_brings_the_means_back(model: FloatModel, feeds: dict[str, Any]) -> None:
    names = model.in_int8(named(model, "bad"))
    last = model.biased[-1]
    wanted = model.channel_means(model.content, feeds, last)
    before = model.channel_means(model.alone(names), feeds, last)
    moved, details = corrected(model, feeds, named(model, "bad"))
    after = moved.channel_means(moved.alone(names), feeds, last)
    assert np.abs(after - wanted).max() < 0.2 * np.abs(before - wanted).max() + 1e-6
    assert details["layers"] == len(model.biased) == 5


@pytest.mark.parametrize("format_", FORMATS)
def test_the_search_writes_a_good_file(
    format_: str,
    write: Callable[..., Written],
    source: KerasSource,
    feeds: dict[str, Any],
    tmp_path: Path,
) -> None:
    written = write(format_, Quantize(mixed="search", max_loss=0.2, max_size=4.0))
    details = written.details["mixed"]
    assert any(layer.startswith("bad") for layer in details["float"])
    assert len(details["float"]) == 1
    assert details["points_lost"] <= 0.2 < details["int8_points_lost"]
    assert written.details["scheme_in_force"] == "int8-mixed"
    with load(tmp_path / written.file) as opened:
        got = opened.predict(feeds["image"])
    assert damage(source.predict(feeds), {next(iter(source.predict(feeds))): got}).sqnr_db > 15


def test_16_bits_instead_of_float(write: Callable[..., Written]) -> None:
    written = write("tflite", Quantize(int16=("bad",)))
    assert written.details["mixed"] == {"float": [], "int16": ["bad"]}


def test_16_bits_are_refused_in_onnx(write: Callable[..., Written]) -> None:
    with pytest.raises(ConversionError, match="no 16-bit kernels"):
        write("onnx", Quantize(int16=("bad*",)))


def test_a_pattern_of_no_layer_lists_the_layers(write: Callable[..., Written]) -> None:
    with pytest.raises(BadInput, match=r"no layer matches 'bda'.*'bad'"):
        write("tflite", Quantize(keep_float=("bda",)))


def test_limits_that_nothing_holds_write_no_file(
    write: Callable[..., Written], tmp_path: Path
) -> None:
    with pytest.raises(ConversionError, match=r"trials come to a loss of .* times the int8 file"):
        write("tflite", Quantize(mixed="search", max_loss=0.0, max_size=1.0))
    assert not list(tmp_path.iterdir())


def test_a_loop_is_refused_by_name(tmp_path: Path) -> None:
    from tests.converters.nets import build, feeds_for

    lstm = build("lstm")
    variant = Variant(
        format="tflite", scheme="int8", steps=(to_step("quantize", Quantize(mixed="search")),)
    )
    request = WriteRequest(
        variant=variant, batch=1, calibration=Calibration(feeds=feeds_for(lstm, items=4))
    )
    with pytest.raises(ConversionError, match=r"loop of 'lstm'.*unroll=True"):
        tflite.write(lstm, request, tmp_path)

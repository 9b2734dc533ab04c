"""What was trained is what the TFLite int8 and the ONNX QDQ file hold."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from tests.converters.compression.random_graphs import randomize

from edgewright_converters.compression.context import Items
from edgewright_converters.compression.fold import fold
from edgewright_converters.compression.graph.flat import flatten
from edgewright_converters.compression.qat.calibrate import calibrate
from edgewright_converters.compression.qat.graph import TrainedGraph, with_ranges
from edgewright_converters.compression.qat.plan import make_plan
from edgewright_converters.compression.ranges import FILE, TensorRanges, read_ranges, save_ranges
from edgewright_converters.errors import ConversionError
from edgewright_converters.formats import onnx, tflite
from edgewright_converters.formats.format import WriteRequest
from edgewright_converters.sources.keras_models import source_of_keras3
from edgewright_runtimes.records import Variant

layers = keras.layers
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


def convolutional() -> Any:
    """Residual, concatenation, depthwise, separable, pools, transpose, leaky, probabilities."""
    given = keras.Input((8, 8, 3), name="image")
    x = layers.Conv2D(8, 3, padding="same", use_bias=False)(given)
    x = layers.ReLU()(layers.BatchNormalization()(x))
    y = layers.DepthwiseConv2D(3, padding="same", activation="relu6")(x)
    y = layers.Conv2D(8, 1)(y)
    x = layers.ReLU()(layers.Add()([x, y]))
    x = layers.Concatenate()([x, layers.SeparableConv2D(4, 3, padding="same")(x)])
    x = layers.LeakyReLU(0.1)(layers.Conv2D(6, 3)(x))
    x = layers.AveragePooling2D(2)(layers.ZeroPadding2D(1)(x))
    x = layers.Conv2DTranspose(4, 2, strides=2, name="wider")(x)
    x = layers.Flatten()(layers.MaxPooling2D(2)(x))
    return keras.Model(given, layers.Dense(5, activation="softmax", name="classes")(x))


def series() -> Any:
    given = keras.Input((16, 3), name="series")
    x = layers.Conv1D(6, 3, activation="relu", padding="causal")(given)
    x = layers.MaxPooling1D(2)(x)
    x = layers.Conv1D(6, 3)(x)
    x = layers.GlobalAveragePooling1D()(x)
    return keras.Model(given, layers.Dense(4, name="scores")(x))


def trained(net: Any, items: int = 64) -> tuple[Any, TensorRanges, Any]:
    """A plain model, ranges as calibration finds them, and items."""
    model = net()
    randomize(model, 0)
    plain, _ = fold(model)
    rng = np.random.default_rng(1)
    x = rng.integers(0, 256, size=(items, *model.inputs[0].shape[1:])).astype(np.float32) / 255
    graph = TrainedGraph(make_plan(flatten(plain)), learned=False)
    arrays = {"x": x}
    calibrate(graph, plain, Items(inputs=arrays, labels=None), arrays)
    return plain, graph.ranges(), x


def written(plain: Any, ranges: TensorRanges, format_: str, scheme: str, folder: Path) -> Any:
    writer, batch = {"tflite": (tflite, 1), "onnx": (onnx, None)}[format_]
    request = WriteRequest(
        variant=Variant(format=format_, scheme=scheme), batch=batch, ranges=ranges
    )
    return writer.write(source_of_keras3(plain), request, folder)


def run_tflite(path: Path, x: Any) -> Any:
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=str(path))
    interpreter.allocate_tensors()
    given = interpreter.get_input_details()[0]["index"]
    made = interpreter.get_output_details()[0]["index"]
    rows = []
    for item in x:
        interpreter.set_tensor(given, item[None])
        interpreter.invoke()
        rows.append(interpreter.get_tensor(made)[0])
    return np.array(rows)


def run_onnx(path: Path, x: Any) -> Any:
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return session.run(None, {session.get_inputs()[0].name: x})[0]


@pytest.mark.parametrize("net", [convolutional, series])
def test_both_files_give_what_the_trained_graph_gives(net: Any, tmp_path: Path) -> None:
    plain, ranges, x = trained(net)
    wanted = with_ranges(plain, ranges, pooling="kernel").predict(x, verbose=0)
    made = written(plain, ranges, "tflite", "int8", tmp_path)
    assert made.details == {}  # nothing is left in float
    lite = run_tflite(tmp_path / made.file, x)
    made = written(plain, ranges, "onnx", "int8", tmp_path)
    assert made.details["quantized_share"] > 0.9
    ort = run_onnx(tmp_path / made.file, x)
    name = plain.layers[-1].name
    low, high = ranges.layers[name]
    step = (high - low) / 255
    for runtime, got in (("litert", lite), ("onnxruntime", ort)):
        apart = np.abs(got - wanted) / step
        assert (apart > 0.5).mean() < 0.05, runtime  # a sum next to a half falls on either side
        assert apart.max() < 2.5
    assert np.ptp(wanted) > 20 * step


def test_integers_in_and_out(tmp_path: Path) -> None:
    plain, ranges, _ = trained(series)
    made = written(plain, ranges, "tflite", "int8-io", tmp_path)
    assert {spec.dtype for spec in (*made.inputs, *made.outputs)} == {"int8"}
    assert made.quantization["method"] == "trained ranges"
    assert made.inputs[0].scale == pytest.approx(1 / 255)


def test_other_schemes_are_of_the_plain_model(tmp_path: Path) -> None:
    plain, ranges, x = trained(series)
    made = written(plain, ranges, "onnx", "float32", tmp_path)
    np.testing.assert_allclose(
        run_onnx(tmp_path / made.file, x), plain.predict(x, verbose=0), atol=1e-5
    )


def test_ranges_of_another_model(tmp_path: Path) -> None:
    plain, _, _ = trained(series)
    with pytest.raises(ConversionError, match="of another model"):
        written(plain, TensorRanges(), "tflite", "int8", tmp_path)


def test_ranges_lie_beside_the_model(tmp_path: Path) -> None:
    _, ranges, _ = trained(series, items=8)
    save_ranges(ranges, tmp_path)
    assert read_ranges(tmp_path / FILE) == ranges

"""The TFLite writer: names, schemes, what is refused and in which words."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter
from tests.converters import writing
from tests.converters.nets import KerasSource, build, feeds_for, lopsided_softmax

from edgewright_converters.errors import ConversionError
from edgewright_converters.formats import tflite
from edgewright_converters.formats.tflite_graph import model_file

pytestmark = pytest.mark.filterwarnings("default")  # TensorFlow's own


write = partial(writing.write, tflite, batch=1)


@pytest.fixture(scope="module")
def several() -> KerasSource:
    return build("several")


@pytest.fixture(scope="module")
def conv() -> KerasSource:
    return build("conv")


def layer_net(call: Any, shape: tuple[int, ...] = (4,), dtype: str = "float32") -> KerasSource:
    """A net with one custom layer, named ``mine``, that runs ``call``."""
    import keras

    class Mine(keras.layers.Layer):  # type: ignore[misc]
        def call(self, x: Any) -> Any:
            return call(x)

    x = keras.Input(shape, dtype=dtype, name="x")
    return KerasSource(keras.Model(x, Mine(name="mine")(x)))


def test_signature_has_the_sources_names_in_its_order(several: KerasSource, tmp_path: Path) -> None:
    write(several, tmp_path)
    interpreter = Interpreter(str(tmp_path / "model.tflite"))
    signature = interpreter.get_signature_list()["serving_default"]
    assert set(signature["inputs"]) == {"image", "row"}
    assert set(signature["outputs"]) == {"value", "kind", "row again"}
    assert [d["name"] for d in interpreter.get_input_details()] == ["image", "row"]
    runner = interpreter.get_signature_runner()
    feeds = feeds_for(several, items=1)
    got = runner(**feeds)
    for name, values in several.predict(feeds).items():
        np.testing.assert_allclose(got[name], values, atol=1e-5)


def test_batch_is_the_one_asked_for(conv: KerasSource, tmp_path: Path) -> None:
    assert write(conv, tmp_path, batch=3).inputs[0].shape == (3, 10, 10, 3)
    assert write(conv, tmp_path, batch=None).inputs[0].shape == (None, 10, 10, 3)


def test_integer_edges_carry_scale_and_zero_point(conv: KerasSource, tmp_path: Path) -> None:
    written = write(conv, tmp_path, "int8-io")
    edges = (*written.inputs, *written.outputs)
    assert [edge.dtype for edge in edges] == ["int8", "int8"]
    assert all(edge.scale for edge in edges)
    assert written.quantization["activations"] == "int8"


def test_int8_is_integer_throughout(tmp_path: Path) -> None:
    written = write(build("residual"), tmp_path, "int8")
    assert written.inputs[0].dtype == "float32"
    assert not written.details
    model = model_file.parse((tmp_path / "model.tflite").read_bytes())
    assert model_file.float_operators(model) == ()


def test_fallback_to_float_is_named(tmp_path: Path) -> None:
    import keras
    import tensorflow as tf

    class Wave(keras.layers.Layer):  # type: ignore[misc]
        def call(self, x: Any) -> Any:
            return tf.sin(x)

    x = keras.Input((8,), name="x")
    y = Wave()(keras.layers.Dense(8)(x))
    source = KerasSource(keras.Model(x, keras.layers.Dense(3)(y)))
    written = write(source, tmp_path, "int8")
    assert written.details == {"scheme_in_force": "int8-mixed", "float_ops": ["SIN"]}
    assert "SIN" in written.warnings[0]
    assert written.quantization["scheme"] == "int8-mixed"


def test_flex_is_refused_with_operation_layer_and_taker(tmp_path: Path) -> None:
    import tensorflow as tf

    with pytest.raises(ConversionError) as caught:
        write(layer_net(tf.math.erfc), tmp_path)
    message = str(caught.value)
    assert "Erfc of layer 'mine'" in message
    assert "Flex" in message
    assert "onnx may take it" in message


def test_loops_are_refused_where_calibration_would_crash(tmp_path: Path) -> None:
    with pytest.raises(ConversionError, match=r"loop of 'lstm'.*unroll=True"):
        write(build("lstm"), tmp_path, "int8")


def test_loops_with_a_free_batch_are_told_to_fix_it(tmp_path: Path) -> None:
    with pytest.raises(ConversionError, match="loop of 'lstm' needs a fixed batch") as caught:
        write(build("lstm"), tmp_path, batch=None)
    assert caught.value.hint.startswith("use --batch 1")


def test_int16x8_of_integer_inputs_names_what_does_work(tmp_path: Path) -> None:
    with pytest.raises(ConversionError, match="take int8 or dynamic"):
        write(build("attention"), tmp_path, "int16x8")


def test_lookup_table_is_a_named_failure(tmp_path: Path) -> None:
    import keras

    x = keras.Input((2,), dtype="string", name="x")
    words = keras.layers.StringLookup(vocabulary=["a", "b"], name="words")
    source = KerasSource(keras.Model(x, words(x)))
    with pytest.raises(ConversionError, match="of 'words'"):
        write(source, tmp_path)


def test_free_dimension_stays_free(tmp_path: Path) -> None:
    import keras

    x = keras.Input((None,), dtype="int32", name="tokens")
    y = keras.layers.GlobalAveragePooling1D()(keras.layers.Embedding(7, 8)(x))
    source = KerasSource(keras.Model(x, keras.layers.Dense(3)(y)))
    assert write(source, tmp_path).inputs[0].shape == (1, None)
    assert write(source, tmp_path, "int8").inputs[0].dtype == "int32"


def test_logits_that_decide_nothing_do_not_widen_the_range(tmp_path: Path) -> None:
    """One class far below all others: with its full range int8 could not tell the others apart."""
    source = lopsided_softmax()
    written = write(source, tmp_path, "int8")
    feeds = feeds_for(source, items=16)
    runner = Interpreter(str(tmp_path / "model.tflite")).get_signature_runner()
    expected = source.predict(feeds)[written.outputs[0].name]
    got = np.concatenate([runner(x=row[None])[written.outputs[0].name] for row in feeds["x"]])
    assert np.abs(got - expected).max() < 0.05

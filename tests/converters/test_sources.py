"""Sources of Keras 3 models, SavedModel folders and callables answer as what they were made of."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from edgewright_converters.errors import ConversionError, UnreadableSource
from edgewright_converters.sources import from_object, open_source
from edgewright_converters.sources.names import unique_names
from edgewright_converters.sources.source import Source
from edgewright_runtimes.errors import BadInput, UnknownName
from edgewright_runtimes.records import TensorSpec

# Keras 3.15 copies variables the way of numpy 1 when it saves; numpy 2.4 says so.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
RNG = np.random.default_rng(3)


def _conv() -> keras.Model:
    return keras.Sequential(
        [
            layers.Input((8, 8, 3), name="image"),
            layers.Conv2D(4, 3, padding="same"),
            layers.BatchNormalization(),
            layers.ReLU(6.0),
            layers.GlobalAveragePooling2D(),
            layers.Dropout(0.5),
            layers.Dense(3, activation="softmax", name="classes"),
        ],
        name="conv",
    )


def _several() -> keras.Model:
    """Inputs that are not in the order of the alphabet, one of them integers; two outputs."""
    image = layers.Input((6, 6, 1), name="z-image")
    words = layers.Input((4,), dtype="int32", name="a-words")
    inner = keras.Sequential([layers.Input((6, 6, 1)), layers.Flatten(), layers.Dense(5)], name="n")
    seen = inner(image)
    read = layers.GlobalAveragePooling1D()(layers.Embedding(10, 5)(words))
    joined = layers.Add()([seen, read])
    outputs = [layers.Dense(2, name="to")(joined), layers.Dense(3, name="be")(seen)]
    return keras.Model([image, words], outputs, name="several")


def _lstm() -> keras.Model:
    return keras.Sequential([layers.Input((None, 3)), layers.LSTM(4), layers.Dense(2)], name="lstm")


def _attention() -> keras.Model:
    x = layers.Input((5, 8), name="x")
    y = layers.LayerNormalization()(layers.MultiHeadAttention(2, 4)(x, x) + x)
    return keras.Model(x, keras.ops.mean(keras.activations.gelu(y), axis=1), name="attention")


def _named_by_keys() -> keras.Model:
    a, b = layers.Input((2,), name="a"), layers.Input((2,), name="b")
    total = layers.Add()([a, b])
    outputs = {"sum": total, "double": layers.Rescaling(2.0)(total)}
    return keras.Model({"b": b, "a": a}, outputs, name="named_by_keys")


NETS = [_conv, _several, _lstm, _attention, _named_by_keys]


@pytest.fixture(scope="module", params=NETS, ids=lambda net: net.__name__.strip("_"))
def model(request: pytest.FixtureRequest) -> keras.Model:
    keras.utils.set_random_seed(1)
    return request.param()


def _feeds(source: Source, items: int) -> dict[str, np.ndarray]:
    feeds = {}
    for spec in source.signature.inputs:
        shape = (items, *(7 if size is None else size for size in spec.shape[1:]))
        whole = np.issubdtype(np.dtype(spec.dtype), np.integer)
        values = RNG.integers(0, 9, shape) if whole else RNG.standard_normal(shape)
        feeds[spec.name] = values.astype(spec.dtype)
    return feeds


def _expected(model: keras.Model, feeds: dict[str, np.ndarray]) -> list[np.ndarray]:
    flat = [tf.constant(value) for value in feeds.values()]
    fed = keras.tree.pack_sequence_as(model._inputs_struct, flat) if len(flat) > 1 else flat[0]
    return [value.numpy() for value in keras.tree.flatten(model(fed, training=False))]


def _same(given: dict[str, np.ndarray], expected: list[np.ndarray]) -> None:
    assert len(given) == len(expected)
    for answer, wanted in zip(given.values(), expected, strict=True):
        assert answer.dtype == wanted.dtype
        np.testing.assert_allclose(answer, wanted, atol=1e-6, rtol=0)


@pytest.mark.parametrize("items", [1, 5, 130])
def test_predict_is_the_models_own(model: keras.Model, items: int) -> None:
    source = from_object(model)
    feeds = _feeds(source, items)
    _same(source.predict(feeds), _expected(model, feeds))
    assert source.as_keras() is model and source.kind == "keras3"


@pytest.mark.parametrize("batch", [None, 1, 3])
def test_the_concrete_function_is_the_model(model: keras.Model, batch: int | None) -> None:
    source = from_object(model)
    function = source.as_concrete_function(batch=batch)
    keywords = function.structured_input_signature[1]
    assert list(keywords) == [spec.name for spec in source.signature.inputs]
    assert all(spec.shape[0] == batch for spec in keywords.values())
    assert set(function.structured_outputs) == {spec.name for spec in source.signature.outputs}
    feeds = _feeds(source, batch or 4)
    given = function(**{name: tf.constant(value) for name, value in feeds.items()})
    ordered = {spec.name: given[spec.name].numpy() for spec in source.signature.outputs}
    _same(ordered, _expected(model, feeds))
    assert source.as_concrete_function(batch=batch) is function


def test_a_file_is_its_model(model: keras.Model, tmp_path: Path) -> None:
    model.save(tmp_path / "model.keras")
    source = open_source(tmp_path / "model.keras")
    feeds = _feeds(source, 3)
    _same(source.predict(feeds), _expected(model, feeds))
    assert source.signature == from_object(model).signature


@pytest.mark.filterwarnings("ignore::UserWarning")  # h5py and Keras' graph walk, while exporting
def test_an_exported_model_answers_the_same(model: keras.Model, tmp_path: Path) -> None:
    model.export(tmp_path / "folder", format="tf_saved_model", verbose=False)
    source = open_source(tmp_path / "folder")
    assert source.kind == "saved_model" and source.as_keras() is None
    assert source.stateful is (model.name == "lstm")
    feeds = _feeds(from_object(model), 2)
    by_shape = {
        spec.shape: value
        for spec, value in zip(from_object(model).signature.inputs, feeds.values(), strict=True)
    }
    if len(by_shape) == len(feeds):
        fed = {spec.name: by_shape[spec.shape] for spec in source.signature.inputs}
        wanted = sorted(_expected(model, feeds), key=np.size)
        answers = sorted(source.predict(fed).values(), key=np.size)
        _same(dict(enumerate(answers)), wanted)


def test_the_signature_keeps_the_models_names_and_order() -> None:
    signature = from_object(_several()).signature
    assert [(s.name, s.dtype, s.shape) for s in signature.inputs] == [
        ("z_image", "float32", (None, 6, 6, 1)),
        ("a_words", "int32", (None, 4)),
    ]
    assert [(s.name, s.shape) for s in signature.outputs] == [("to", (None, 2)), ("be", (None, 3))]
    by_keys = from_object(_named_by_keys()).signature
    assert [s.name for s in by_keys.inputs] == ["a", "b"]
    assert [s.name for s in by_keys.outputs] == ["double", "sum"]


def test_names_are_identifiers_and_unique() -> None:
    assert unique_names(["a/b:0", "a b", "1x", "class", "self", ""]) == (
        "a_b", "a_b_1", "t_1x", "class_", "self_", "tensor",
    )  # fmt: skip
    assert unique_names(["x"], taken=["x", "x_1"]) == ("x_2",)


def test_an_output_that_is_an_input_gets_a_name_of_its_own() -> None:
    x = layers.Input((2,), name="x")
    source = from_object(keras.Model(x, [x, layers.Rescaling(2.0, name="x2")(x)]))
    assert [spec.name for spec in source.signature.outputs] == ["x_1", "x2"]


@pytest.mark.parametrize(
    ("layer", "stateful"),
    [
        (layers.LSTM(2), True),
        (layers.Bidirectional(layers.GRU(2)), True),
        (layers.RNN(layers.SimpleRNNCell(2)), True),
        (layers.Conv1D(2, 2), False),
    ],
)
def test_what_has_state_says_so(layer: keras.Layer, stateful: bool) -> None:
    inner = keras.Sequential([layers.Input((4, 3)), layer])
    outer = keras.Sequential([layers.Input((4, 3)), inner])
    assert from_object(outer).stateful is stateful


def test_text_in_and_out(tmp_path: Path) -> None:
    words = layers.Input((1,), dtype="string", name="words")
    lookup = layers.StringLookup(vocabulary=["cat", "dog"])
    keras.Model(words, lookup(words)).save(tmp_path / "m.keras")
    source = open_source(tmp_path / "m.keras")
    assert source.signature.inputs[0].dtype == "string"
    (answer,) = source.predict({"words": np.array([["dog"], ["?"], ["cat"]])}).values()
    assert answer.tolist() == [[2], [0], [1]]


def test_half_precision_keeps_its_dtype() -> None:
    half = keras.Sequential([layers.Input((3,), dtype="float16"), layers.Dense(2, dtype="float16")])
    source = from_object(half)
    feeds = _feeds(source, 2)
    (answer,) = source.predict(feeds).values()
    assert answer.dtype == np.float16 and source.signature.outputs[0].dtype == "float16"


def test_a_fixed_batch_is_filled_up_and_kept() -> None:
    x = layers.Input(batch_shape=(4, 3), name="x")
    source = from_object(keras.Model(x, layers.Dense(2)(x)))
    feeds = _feeds(source, 10)
    whole = source.predict(feeds)
    last = source.predict({"x": feeds["x"][8:]})
    for name, value in whole.items():
        assert value.shape == (10, 2)
        np.testing.assert_allclose(value[8:], last[name], atol=1e-6)
    with pytest.raises(ConversionError, match=r"batch of 4, not for a batch of 1; use --batch 4"):
        source.as_concrete_function(batch=1)


@pytest.mark.parametrize(
    ("feeds", "message"),
    [
        ({"y": np.zeros((1, 3))}, r"inputs \['y'\] given; the model takes \['x'\]"),
        ({"x": np.zeros((1, 4))}, r"shape \[1, 4\]; the model takes \[None, 3\]"),
        ({"x": np.zeros(3)}, r"shape \[3\]"),
    ],
)
def test_wrong_feeds_are_named(feeds: dict[str, np.ndarray], message: str) -> None:
    x = layers.Input((3,), name="x")
    with pytest.raises(BadInput, match=message):
        from_object(keras.Model(x, layers.Dense(2)(x))).predict(feeds)


def test_no_items_give_no_items() -> None:
    x = layers.Input((3,), name="x")
    source = from_object(keras.Model(x, layers.Dense(2, name="d")(x)))
    assert source.predict({"x": np.zeros((0, 3))})["d"].shape == (0, 2)


class _Module(tf.Module):
    def __init__(self) -> None:
        super().__init__()
        self.w = tf.Variable([[1.0, 2.0], [3.0, 4.0]])

    @tf.function(input_signature=[tf.TensorSpec((None, 2), tf.float32, name="x")])
    def times(self, x: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"y": x @ self.w, "count": tf.shape(x)[:1]}

    @tf.function(input_signature=[tf.TensorSpec((None, 2), tf.float32)])
    def plus(self, x: tf.Tensor) -> tf.Tensor:
        return x + self.w[0]


def test_any_signature_name_will_do_when_it_is_the_only_one(tmp_path: Path) -> None:
    module = _Module()
    tf.saved_model.save(module, str(tmp_path), signatures={"times": module.times})
    source = open_source(tmp_path)
    assert [spec.name for spec in source.signature.inputs] == ["x"]
    assert "'times'" in source.notes[0]
    np.testing.assert_array_equal(source.predict({"x": [[1.0, 1.0]]})["y"], [[4.0, 6.0]])


def test_of_several_signatures_the_default_is_taken(tmp_path: Path) -> None:
    module = _Module()
    signatures = {"serving_default": module.plus, "times": module.times}
    tf.saved_model.save(module, str(tmp_path / "default"), signatures=signatures)
    source = open_source(tmp_path / "default")
    (answer,) = source.predict({"x": [[1.0, 1.0]]}).values()
    np.testing.assert_array_equal(answer, [[2.0, 3.0]])

    signatures = {"plus": module.plus, "times": module.times}
    tf.saved_model.save(module, str(tmp_path / "open"), signatures=signatures)
    with pytest.raises(UnreadableSource, match=r"'serving_default': plus, times; choose one"):
        open_source(tmp_path / "open")
    with pytest.raises(UnknownName, match="no signature named 'time'; known: plus, times"):
        open_source(tmp_path / "open", signature="time")
    chosen = open_source(tmp_path / "open", signature="plus")
    (answer,) = chosen.predict({"x": [[1.0, 1.0]]}).values()
    np.testing.assert_array_equal(answer, [[2.0, 3.0]])
    loaded = tf.saved_model.load(str(tmp_path / "open"))
    chosen = from_object(loaded.signatures["plus"])
    del loaded
    (answer,) = chosen.predict({"x": [[1.0, 1.0]]}).values()
    np.testing.assert_array_equal(answer, [[2.0, 3.0]])


def test_a_callable_with_a_signature() -> None:
    def scale(values: tf.Tensor, by: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        if tf.reduce_sum(by) > 0:  # AutoGraph must turn this into a condition
            values = values * by
        return values, tf.cast(values, tf.int32)

    specs = [
        TensorSpec(name="", dtype="float32", shape=(None, 2)),
        TensorSpec(name="factor", dtype="float32", shape=()),
    ]
    source = from_object(scale, signature=specs)
    assert [(s.name, s.shape) for s in source.signature.inputs] == [
        ("values", (None, 2)),
        ("factor", ()),
    ]
    answers = source.predict({"values": [[1.0, 2.0]], "factor": 3.0})
    assert {name: value.tolist() for name, value in answers.items()} == {
        "output_0": [[3.0, 6.0]],
        "output_1": [[3, 6]],
    }
    assert source.as_concrete_function(batch=1) is not None


def test_a_function_of_tensorflow_brings_its_signature() -> None:
    module = _Module()
    source = from_object(module.times)
    assert [spec.name for spec in source.signature.outputs] == ["y", "count"]
    assert source.predict({"x": [[1.0, 0.0]]})["y"].tolist() == [[1.0, 2.0]]


def test_a_subclassed_model_takes_the_signature_it_is_given() -> None:
    class Own(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.dense = layers.Dense(2)

        def call(self, x: tf.Tensor, training: bool = True) -> tf.Tensor:
            return self.dense(x) if not training else x

    model = Own()
    with pytest.raises(UnreadableSource, match="never built"):
        from_object(model)
    source = from_object(model, signature=[tf.TensorSpec((None, 3), tf.float32, name="x")])
    assert source.predict({"x": np.ones((2, 3))})["output"].shape == (2, 2)


@pytest.mark.parametrize(
    ("obj", "message"),
    [
        (3, "a int is no model"),
        (lambda x: x, "has no signature; pass signature="),
    ],
)
def test_what_is_no_model(obj: object, message: str) -> None:
    with pytest.raises(UnreadableSource, match=message):
        from_object(obj)


def test_the_package_costs_nothing_until_it_is_used() -> None:
    code = (
        "import sys, edgewright_converters.sources as s; from pathlib import Path;"
        "s.source_sha256(Path(sys.executable));"
        "print([m for m in ('numpy', 'tensorflow', 'keras', 'h5py') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_keras_on_another_backend_is_put_right() -> None:
    code = (
        "from edgewright_converters.sources.frameworks import import_keras;"
        "print(import_keras().backend.backend())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={"KERAS_BACKEND": "jax", "PATH": "", "TF_CPP_MIN_LOG_LEVEL": "3"},
    )
    assert done.stdout.strip() == "tensorflow"


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("mlperf_tiny/pretrainedResnet.h5", "keras3"),
        ("mlperf_tiny/ad01.h5", "keras3"),
        ("mlperf_tiny/vww_96.h5", "keras3"),
        ("mlperf_tiny/kws_ref_model", "saved_model"),
        ("hand_gesture/keypoint_classifier.hdf5", "keras3"),
        ("hand_gesture/point_history_classifier.hdf5", "keras3"),
    ],
)
def test_real_models(real: Callable[[str], Path], name: str, kind: str) -> None:
    source = open_source(real(name))
    feeds = _feeds(source, 2)
    (answer,) = source.predict(feeds).values()
    assert source.kind == kind and np.isfinite(answer).all() and not source.stateful
    if kind == "keras3":
        _same({"y": answer}, _expected(source.as_keras(), feeds))

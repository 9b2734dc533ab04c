"""Models of Keras 2, made here with tf_keras, as Keras 3 sources that answer the same."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
import tf_keras
from tf_keras import layers

from edgewright_converters.sources import from_object, open_source
from edgewright_converters.sources.keras2_to_3 import rebuild, settle
from edgewright_converters.sources.keras_models import source_of_keras3, source_of_tf_keras
from edgewright_converters.sources.likeness import difference

pytestmark = [
    # tf_keras says of every .h5 that the format is legacy: it is what is tested here.
    pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5:UserWarning"),
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]


def _depthwise() -> tf_keras.Model:
    x = layers.Input((None, None, 3), name="image")
    y = layers.DepthwiseConv2D(3, padding="same", depth_multiplier=2, name="block/depthwise")(x)
    y = layers.BatchNormalization()(layers.SeparableConv2D(4, 3, kernel_regularizer="l2")(y))
    y = layers.LeakyReLU(0.1)(layers.ReLU(6.0)(y))
    y = layers.Conv2DTranspose(3, 3, strides=2)(y)
    return tf_keras.Model(x, layers.Dense(2, name="out")(layers.GlobalMaxPooling2D()(y)))


def _functions() -> tf_keras.Model:
    """TensorFlow's functions between the layers: each a TFOpLambda."""
    x = layers.Input((6, 4), name="x")
    y = tf.nn.relu6(x * 2.0 + 1.0) - tf.math.reduce_mean(x, axis=1, keepdims=True)
    y = tf.concat([y, tf.nn.gelu(x, approximate=True)], axis=-1)
    y = tf.transpose(tf.reshape(y, (-1, 8, 6)), perm=[0, 2, 1])
    a, b = tf.split(y, [3, 5], axis=-1)
    y = tf.pad(a[:, 1:, ::2], [[0, 0], [1, 0], [0, 3]]) / (tf.sqrt(tf.abs(b)) + 1.0)
    y = tf.clip_by_value(tf.nn.leaky_relu(y), -3.0, 3.0) ** 2.0
    most = tf.expand_dims(tf.cast(tf.math.argmax(y, -1), tf.float32), -1)
    y = tf.where(y > 0.5, y, tf.zeros_like(y)) + most
    y = layers.Multiply(name="multiply")([y, y * 0.5])
    z = tf.squeeze(tf.expand_dims(layers.Dense(3)(y), 1), 1)
    return tf_keras.Model(x, tf.nn.softmax(1.0 - tf.linalg.matmul(z, layers.Permute((2, 1))(z))))


def _several() -> tf_keras.Model:
    """A nested model used twice, several inputs and outputs, one of integers."""
    inner = tf_keras.Sequential(
        [layers.Input((4,)), layers.Dense(5, "hard_sigmoid"), layers.BatchNormalization()],
        name="inner",
    )
    a, b = layers.Input((4,), name="b-first"), layers.Input((4,), name="a-second")
    words = layers.Input((7,), dtype="int32", name="words")
    read = layers.GlobalAveragePooling1D()(layers.Embedding(9, 5, mask_zero=True)(words))
    joined = layers.Concatenate()([inner(a), inner(b), read])
    outputs = [layers.Dense(2, name="two")(joined), layers.Activation("swish", name="one")(read)]
    return tf_keras.Model([a, b, words], outputs)


def _recurrent() -> tf_keras.Model:
    x = layers.Input((5, 3), name="x")
    y = layers.Bidirectional(
        layers.LSTM(4, return_sequences=True, recurrent_activation="hard_sigmoid")
    )(x)
    y, state = layers.GRU(5, return_sequences=True, return_state=True)(y)
    y = layers.GRU(5, reset_after=False)(y, initial_state=state)
    return tf_keras.Model(x, layers.Dense(2)(y))


def _attention() -> tf_keras.Model:
    x = layers.Input((5, 8), name="x")
    y = layers.LayerNormalization()(layers.MultiHeadAttention(2, 4)(x, x) + x)
    y = layers.TimeDistributed(layers.Dense(4, activation=tf.nn.relu6))(y)
    return tf_keras.Model(x, layers.Flatten()(y))


def _normalized() -> tf_keras.Model:
    norm = layers.Normalization(axis=-1)
    norm.adapt(np.random.default_rng(0).normal(3.0, 2.0, (64, 4)).astype("float32"))
    return tf_keras.Sequential([layers.Input((4,)), norm, layers.Rescaling(0.5), layers.PReLU()])


NETS = [_depthwise, _functions, _several, _recurrent, _attention, _normalized]


@pytest.fixture(scope="module", params=NETS, ids=lambda net: net.__name__.strip("_"))
def model(request: pytest.FixtureRequest) -> tf_keras.Model:
    """With weights that are not the initial ones: zeros and ones would hide a wrong copy."""
    tf_keras.utils.set_random_seed(5)
    net = request.param()
    rng = np.random.default_rng(5)
    for layer in net.layers:
        if not isinstance(layer, layers.Normalization):
            layer.set_weights([rng.uniform(0.1, 0.6, w.shape) for w in layer.get_weights()])
    return net


@pytest.mark.parametrize("suffix", [".h5", ".keras"])
def test_a_keras2_file_is_brought_over(model: tf_keras.Model, suffix: str, tmp_path: Path) -> None:
    model.save(tmp_path / f"model{suffix}")
    source = open_source(tmp_path / f"model{suffix}")
    assert source.kind == "keras3", source.notes
    assert source.as_keras() is not None
    assert "with the same outputs" in source.notes[-1]
    reference = from_object(model)
    assert reference.kind == "tf_keras" and reference.as_keras() is None
    assert source.signature == reference.signature
    assert source.stateful is reference.stateful
    feeds = {
        spec.name: np.random.default_rng(1)
        .uniform(0, 3, (3, *(9 if n is None else n for n in spec.shape[1:])))
        .astype(spec.dtype)
        for spec in source.signature.inputs
    }
    expected, answers = reference.predict(feeds), source.predict(feeds)
    for name, value in expected.items():
        np.testing.assert_allclose(answers[name], value, atol=1e-5 * max(np.ptp(value), 1e-3))


def test_a_rebuilt_model_is_a_plain_keras3_model(tmp_path: Path) -> None:
    import keras

    rebuilt = rebuild(_several())
    assert isinstance(rebuilt, keras.Model)
    assert len([one for one in rebuilt.layers if one.name == "inner"]) == 1  # shared, not doubled
    assert keras.models.clone_model(rebuilt).count_params() == rebuilt.count_params()


def test_a_silent_difference_is_found(tmp_path: Path) -> None:
    """Keras 3 reads this file without a word, and its hard_sigmoid is another function."""
    import keras

    tf_keras.utils.set_random_seed(2)
    model = tf_keras.Sequential([layers.Input((4,)), layers.Dense(3, "hard_sigmoid")])
    model.save(tmp_path / "m.h5")
    read = source_of_keras3(keras.models.load_model(tmp_path / "m.h5", compile=False))
    assert "of its range" in difference(source_of_tf_keras(model), read)
    source = open_source(tmp_path / "m.h5")
    assert source.kind == "keras3" and "brought over" in source.notes[-1]
    assert not difference(source_of_tf_keras(model), source)


def test_what_keras3_reads_rightly_is_taken_as_it_is(tmp_path: Path) -> None:
    model = tf_keras.Sequential([layers.Input((4,)), layers.Dense(3, "relu")])
    model.save(tmp_path / "m.h5")
    assert "read by Keras 3" in open_source(tmp_path / "m.h5").notes[-1]


class _Twice(layers.Layer):
    def call(self, x: tf.Tensor) -> tf.Tensor:
        return 2.0 * x


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda x: _Twice(name="own")(x), "'own' is a custom layer (_Twice)"),
        (lambda x: layers.Lambda(lambda y: y + 1, name="code")(x), "'code' is a Lambda layer"),
        (lambda x: layers.ThresholdedReLU(name="t")(x), "Keras 3 has no layer ThresholdedReLU"),
        (lambda x: tf.math.bessel_i0(x), "tf.math.bessel_i0 has no translation"),
        (lambda x: tf.math.cumsum(x, exclusive=True), "cumsum with exclusive=True has no"),
    ],
)
def test_what_cannot_come_over_stays_with_the_reason(
    make: Callable[[tf.Tensor], tf.Tensor], reason: str
) -> None:
    x = layers.Input((4,), name="x")
    model = tf_keras.Model(x, make(x))
    source = settle("2.9.0", model, source_of_tf_keras(model), ValueError("no"))
    assert source.kind == "tf_keras" and source.as_keras() is None
    assert source.notes[-1].startswith("saved by Keras 2.9.0, kept in tf_keras: ")
    assert reason in source.notes[-1]
    assert source.predict({"x": np.ones((2, 4))})


def test_another_answer_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    tf_keras.utils.set_random_seed(3)
    model = tf_keras.Sequential([layers.Input((4,)), layers.Dense(3, name="d")])
    # Both Keras draw the same first weights from the same seed.
    model.set_weights([1.0 + weight for weight in model.get_weights()])
    monkeypatch.setattr(
        "edgewright_converters.sources.keras2_to_3.copy_weights", lambda layer, translated: None
    )
    source = settle("2.9.0", model, source_of_tf_keras(model), ValueError("no"))
    assert source.kind == "tf_keras"
    assert "the output 'd' differs there by" in source.notes[-1]


def test_hdf5_under_a_keras_name_is_read(tmp_path: Path) -> None:
    """Keras before 2.12 wrote HDF5 whatever the name said."""
    tf_keras.Sequential([layers.Input((4,)), layers.Dense(3)]).save(tmp_path / "m.h5")
    (tmp_path / "m.h5").rename(tmp_path / "m.keras")
    assert open_source(tmp_path / "m.keras").signature.inputs[0].shape == (None, 4)


def test_a_layers_model_of_tensorflowjs_says_what_to_install(tmp_path: Path) -> None:
    from importlib.util import find_spec

    from edgewright_runtimes.errors import MissingExtra

    model = {"format": "layers-model", "modelTopology": {}, "weightsManifest": []}
    (tmp_path / "model.json").write_text(json.dumps(model))
    if find_spec("tensorflowjs") is None:
        with pytest.raises(MissingExtra, match=r'pip install "edgewright\[tfjs\]"'):
            open_source(tmp_path)

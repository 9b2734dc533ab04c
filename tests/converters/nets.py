"""Tiny nets, one per kind of layer, with weights that are not the initial ones.

Fresh biases are zero and fresh batch norms are the identity: a converter that drops them would
pass. ``KerasSource`` is the least that a writer asks of a source.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from edgewright_converters.sources.source import Signature, Source
from edgewright_runtimes.records import TensorSpec


class KerasSource:
    """A live Keras 3 model behind the seam of sources."""

    kind = "keras3"
    notes: tuple[str, ...] = ()
    stateful = False

    def __init__(self, model: Any) -> None:
        self.model = model
        self._traced: dict[int | None, Any] = {}
        outputs = model.output if isinstance(model.output, dict) else None
        self.output_names = list(outputs) if outputs else list(model.output_names)
        tensors = list(outputs.values()) if outputs else model.outputs
        self.signature = Signature(
            inputs=tuple(_spec(t.name, t) for t in model.inputs),
            outputs=tuple(map(_spec, self.output_names, tensors)),
        )

    def predict(self, feeds: Mapping[str, Any]) -> dict[str, Any]:
        return {name: value.numpy() for name, value in self._call(feeds).items()}

    def as_keras(self) -> Any:
        return self.model

    def as_concrete_function(self, *, batch: int | None) -> Any:
        import tensorflow as tf

        specs = {
            s.name: tf.TensorSpec((batch, *s.shape[1:]), s.dtype, name=s.name)
            for s in self.signature.inputs
        }
        if batch not in self._traced:
            function = tf.function(lambda **feeds: self._call(feeds))
            self._traced[batch] = function.get_concrete_function(**specs)
        return self._traced[batch]

    def _call(self, feeds: Mapping[str, Any]) -> dict[str, Any]:
        given = [feeds[spec.name] for spec in self.signature.inputs]
        got = self.model(given if len(given) > 1 else given[0], training=False)
        if isinstance(got, dict):
            return got
        return dict(zip(self.output_names, got if isinstance(got, list) else [got], strict=True))


def _spec(name: str, tensor: Any) -> TensorSpec:
    return TensorSpec(name=name, dtype=str(tensor.dtype), shape=tuple(tensor.shape))


def feeds_for(source: Source, *, items: int = 2, seed: int = 0) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    feeds = {}
    for spec in source.signature.inputs:
        shape = (items, *(s or 3 for s in spec.shape[1:]))
        if spec.dtype.startswith("int"):
            feeds[spec.name] = rng.integers(0, 7, shape).astype(spec.dtype)
        else:
            feeds[spec.name] = rng.normal(size=shape).astype(np.float32)
    return feeds


def build(name: str) -> KerasSource:
    """The net of that name, the same weights each time."""
    import keras

    keras.backend.clear_session()
    model = NETS[name]()
    rng = np.random.default_rng(len(name))
    for weight in model.weights:
        if "seed" in weight.path:
            continue
        values = rng.normal(size=weight.shape) * 0.3
        weight.assign(np.abs(values) + 0.5 if "variance" in weight.path else values)
    return KerasSource(model)


def _image(channels: int = 3) -> Any:
    import keras

    return keras.Input((10, 10, channels), name="image")


def _conv() -> Any:
    import keras
    from keras import layers

    x = image = _image()
    x = layers.Conv2D(6, 3, strides=2, padding="same", activation="relu")(x)
    x = layers.MaxPooling2D(2)(x)
    x = layers.Conv2D(4, 2, use_bias=False, activation="elu")(x)
    x = layers.Flatten()(x)
    return keras.Model(image, layers.Dense(5, activation="softmax", name="scores")(x))


def _batch_norm() -> Any:
    import keras
    from keras import layers

    x = image = _image()
    x = layers.BatchNormalization()(x)
    x = layers.Conv2D(6, 3)(x)
    x = layers.BatchNormalization()(x)
    x = layers.ReLU(6.0)(x)
    x = layers.Conv2D(4, 3, use_bias=False)(x)
    x = layers.BatchNormalization(scale=False)(x)
    x = layers.LeakyReLU(negative_slope=0.2)(x)
    x = layers.GlobalAveragePooling2D()(x)
    x = layers.Dense(6)(x)
    x = layers.BatchNormalization()(x)
    return keras.Model(image, layers.Dense(3, activation="sigmoid", name="scores")(x))


def _depthwise() -> Any:
    import keras
    from keras import layers

    x = image = _image()
    x = layers.DepthwiseConv2D(3, depth_multiplier=2, padding="same", use_bias=False)(x)
    x = layers.BatchNormalization()(x)
    x = layers.ReLU()(x)
    x = layers.DepthwiseConv2D(3, strides=2)(x)
    x = layers.BatchNormalization()(x)
    x = layers.ReLU(6.0)(x)
    x = layers.DepthwiseConv2D(3, dilation_rate=2)(x) if x.shape[1] > 5 else x
    x = layers.GlobalMaxPooling2D()(x)
    return keras.Model(image, layers.Dense(3, name="scores")(x))


def _separable() -> Any:
    import keras
    from keras import layers

    x = image = _image()
    x = layers.ZeroPadding2D(1)(x)
    x = layers.SeparableConv2D(5, 3, activation="relu")(x)
    x = layers.UpSampling2D(2, interpolation="bilinear")(x)
    x = layers.Conv2DTranspose(3, 3, strides=2, activation="relu")(x)
    x = layers.AveragePooling2D(3)(x)
    x = layers.Flatten()(x)
    return keras.Model(image, layers.Dense(3, activation="tanh", name="scores")(x))


def _residual() -> Any:
    import keras
    from keras import layers

    image = _image()
    x = layers.Conv2D(4, 3, padding="same")(image)
    x = first = layers.ReLU()(layers.BatchNormalization()(x))
    x = layers.Conv2D(4, 3, padding="same")(x)
    x = layers.BatchNormalization()(x)
    x = layers.Add()([x, first])
    x = layers.ReLU()(x)
    x = layers.Concatenate()([x, first])
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(image, layers.Dense(3, name="scores")(x))


def _prelu() -> Any:
    import keras
    from keras import layers

    x = image = _image()
    x = layers.PReLU(shared_axes=[1, 2])(layers.Conv2D(4, 3)(x))
    x = layers.PReLU(shared_axes=[1, 2])(layers.DepthwiseConv2D(3)(x))
    x = layers.PReLU()(layers.Conv2D(4, 3, use_bias=False)(x))
    x = layers.Flatten()(x)
    x = layers.PReLU()(layers.Dense(6)(x))
    return keras.Model(image, layers.Dense(3, name="scores")(x))


def _attention() -> Any:
    import keras
    from keras import layers

    tokens = keras.Input((6,), dtype="int32", name="tokens")
    x = layers.Embedding(7, 8)(tokens)
    y = layers.MultiHeadAttention(2, 4)(x, x)
    x = layers.LayerNormalization()(layers.Add()([x, y]))
    y = layers.Dense(8, activation="relu")(x)
    x = layers.LayerNormalization()(layers.Add()([x, y]))
    x = layers.GlobalAveragePooling1D()(x)
    return keras.Model(tokens, layers.Dense(3, activation="softmax", name="scores")(x))


def _gelu(*, approximate: bool) -> Any:
    import keras
    from keras import layers

    x = row = keras.Input((8,), name="row")
    x = layers.Dense(16)(x)
    x = layers.Activation(lambda v: keras.activations.gelu(v, approximate=approximate))(x)
    return keras.Model(row, layers.Dense(3, name="scores")(x))


def _recurrent(layer: str) -> Any:
    import keras
    from keras import layers

    steps = keras.Input((5, 4), name="steps")
    x = getattr(layers, layer)(6)(steps)
    return keras.Model(steps, layers.Dense(3, name="scores")(x))


def _stacked() -> Any:
    import keras
    from keras import layers

    steps = keras.Input((5, 4), name="steps")
    x = layers.LSTM(6, return_sequences=True)(steps)
    x = layers.GRU(4, return_sequences=True)(x)
    return keras.Model(steps, layers.Dense(3, name="scores")(x))


def _bidirectional() -> Any:
    import keras
    from keras import layers

    steps = keras.Input((5, 4), name="steps")
    x = layers.Bidirectional(layers.LSTM(4))(steps)
    return keras.Model(steps, layers.Dense(3, name="scores")(x))


def _several() -> Any:
    import keras
    from keras import layers

    image, row = _image(), keras.Input((4,), name="row")
    x = layers.Flatten()(layers.Conv2D(3, 3, activation="relu")(image))
    x = layers.Concatenate()([x, layers.Dense(4, activation="swish")(row)])
    kind = layers.Dense(4, activation="softmax")(x)
    value = layers.Dense(1)(x)
    return keras.Model([image, row], {"value": value, "kind": kind, "row again": row})


def _conv1d() -> Any:
    import keras
    from keras import layers

    x = steps = keras.Input((12, 4), name="steps")
    x = layers.Conv1D(6, 3, padding="causal", activation="relu")(x)
    x = layers.BatchNormalization()(x)
    x = layers.Conv1D(4, 3, dilation_rate=2, activation="hard_sigmoid")(x)
    x = layers.GlobalAveragePooling1D()(x)
    return keras.Model(steps, layers.Dense(3, activation="softplus", name="scores")(x))


NETS: Mapping[str, Callable[[], Any]] = {
    "conv": _conv,
    "batch_norm": _batch_norm,
    "depthwise": _depthwise,
    "separable": _separable,
    "residual": _residual,
    "prelu": _prelu,
    "attention": _attention,
    "tanh_gelu": lambda: _gelu(approximate=True),
    "exact_gelu": lambda: _gelu(approximate=False),
    "lstm": lambda: _recurrent("LSTM"),
    "gru": lambda: _recurrent("GRU"),
    "stacked": _stacked,
    "bidirectional": _bidirectional,
    "several": _several,
    "conv1d": _conv1d,
}


def lopsided_softmax() -> KerasSource:
    """One class far below all others: its logit of -900 decides nothing, but has a wide range."""
    import keras

    x = keras.Input((4,), name="x")
    dense = keras.layers.Dense(4, activation="softmax")
    model = keras.Model(x, dense(x))
    kernel = np.diag([2.0, 2.0, 2.0, 0.0]).astype(np.float32)
    dense.set_weights([kernel, np.array([0, 0, 0, -900], np.float32)])
    return KerasSource(model)

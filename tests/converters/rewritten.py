"""Nets whose ops the TF.js writer puts in other terms: tested as graphs, and in node."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from tests.converters.nets import KerasSource, feeds_for


def _of(function: Callable[[Any], Any], shape: tuple[int | None, ...] = (4, 6)) -> Any:
    import keras

    x = keras.Input(shape, name="x")
    return keras.Model(x, keras.layers.Lambda(function)(x))


def _einsum(equation: str, *shapes: tuple[int | None, ...]) -> Callable[[], Any]:
    def model() -> Any:
        import keras
        import tensorflow as tf

        inputs = [keras.Input(shape, name=f"x{i}") for i, shape in enumerate(shapes)]

        def call(given: Any) -> Any:
            operands = given if isinstance(given, list | tuple) else [given]
            return tf.raw_ops.Einsum(inputs=list(operands), equation=equation)

        given = inputs if len(inputs) > 1 else inputs[0]
        return keras.Model(given, keras.layers.Lambda(call)(given))

    return model


def _constant_einsum(equation: str, *constant: int) -> Callable[[], Any]:
    """The input [batch, 4, 6] with a constant of that shape."""

    def call(v: Any) -> Any:
        import tensorflow as tf

        values = np.random.default_rng(1).normal(size=constant).astype(np.float32)
        return tf.raw_ops.Einsum(inputs=[v, tf.constant(values)], equation=equation)

    return lambda: _of(call)


def _attention(*, causal: bool, length: int | None) -> Any:
    import keras

    x = keras.Input((length, 8), name="x")
    layer = keras.layers.MultiHeadAttention(2, 4)
    return keras.Model(x, layer(x, x, use_causal_mask=causal))


def _grouped_query() -> Any:
    import keras

    x = keras.Input((6, 8), name="x")
    return keras.Model(x, keras.layers.GroupQueryAttention(4, 4, 2)(x, x))


def _leaky_depthwise() -> Any:
    import keras
    from keras import layers

    x = image = keras.Input((8, 8, 3), name="x")
    x = layers.LeakyReLU(negative_slope=0.2)(layers.DepthwiseConv2D(3)(x))
    return keras.Model(image, layers.LeakyReLU()(layers.DepthwiseConv2D(3, use_bias=False)(x)))


def _volumes() -> Any:
    import keras
    from keras import layers

    x = volume = keras.Input((4, 6, 6, 2), name="x")
    x = layers.ReLU()(layers.BatchNormalization()(layers.Conv3D(3, 2)(x)))
    x = layers.PReLU(shared_axes=[1, 2, 3])(layers.MaxPooling3D(2)(x))
    return keras.Model(volume, layers.Rescaling([2.0, 1.0, 0.5], -1.0)(x))


def _slice(*index: Any) -> Callable[[], Any]:
    return lambda: _of(lambda v: v[(slice(None), *index)])


def _band(lower: int, upper: int) -> Callable[[], Any]:
    def call(v: Any) -> Any:
        import tensorflow as tf

        return tf.linalg.band_part(v, lower, upper)

    return lambda: _of(call)


def _cumulated() -> Any:
    def call(v: Any) -> Any:
        import tensorflow as tf

        return tf.cumsum(v, -1, exclusive=True) + tf.math.cumprod(v, -2, reverse=True)

    return _of(call)


def _one_hot() -> Any:
    def call(v: Any) -> Any:
        import tensorflow as tf

        return tf.one_hot(tf.cast(tf.abs(v) * 2, tf.int32), 5)

    return _of(call)


def _truths() -> Any:
    def call(v: Any) -> Any:
        import tensorflow as tf

        return tf.cast(tf.cast(v, tf.bool), tf.float32) + tf.cast(
            tf.cast(tf.cast(v * 2, tf.int32), tf.bool), tf.float32
        )

    return _of(call)


def _batches(left: tuple[int, ...], right: tuple[int, ...]) -> Callable[[], Any]:
    """The input [batch, 4, 6] with axes of 1 before its matrices, times a constant."""

    def call(v: Any) -> Any:
        import tensorflow as tf

        values = np.random.default_rng(2).normal(size=right).astype(np.float32)
        return tf.matmul(tf.reshape(v, (-1, *left)), tf.constant(values))

    return lambda: _of(call)


REWRITTEN: Mapping[str, Callable[[], Any]] = {
    "attention": lambda: _attention(causal=False, length=6),
    "attention of any length": lambda: _attention(causal=False, length=None),
    "causal attention": lambda: _attention(causal=True, length=6),
    "grouped query attention": _grouped_query,
    "einsum abc,bcd->abd": _einsum("abc,zbcd->abd", (4, 6), (4, 6, 3)),
    "einsum of letters between": _einsum("bijk,bklj->bil", (2, 3, 4), (4, 5, 3)),
    "einsum turned": _einsum("bki,bjk->bij", (4, 6), (5, 4)),
    "einsum outer": _einsum("bi,bj->bij", (4,), (6,)),
    "einsum inner": _einsum("bij,bij->b", (4, 6), (4, 6)),
    "einsum of one": _einsum("bij->jb", (4, 6)),
    "einsum sums alone": _einsum("bij,bjk->bk", (4, 6), (6, 3)),
    "einsum of several rows": _constant_einsum("bij,jkl->bilk", 6, 2, 3),
    "einsum ellipsis": _constant_einsum("...j,jk->...k", 6, 3),
    "leaky depthwise": _leaky_depthwise,
    "slice taken out": _slice(slice(None, None, 2), 0),
    "slice taken out first": _slice(-1, slice(None, None, 3)),
    "slice backwards": _slice(slice(None, None, -1), -2),
    "slice with an axis more": _slice(None, slice(None, None, 2), 1),
    "slice with dots": lambda: _of(lambda v: v[..., ::2, 1]),
    "band below": _band(-1, 0),
    "band above": _band(0, -1),
    "band between": _band(1, 2),
    "cumulated": _cumulated,
    "one hot": _one_hot,
    "truths": _truths,
    "volumes": _volumes,
    "batches behind one": _batches((1, 4, 6), (3, 6, 2)),
    "batches of one": _batches((2, 1, 2, 6), (3, 6, 5)),
    "one batch": _batches((2, 2, 6), (1, 6, 5)),
}


def build_rewritten(name: str) -> tuple[KerasSource, dict[str, Any]]:
    """The net of that name with seeded weights, and what to feed it."""
    import keras

    keras.backend.clear_session()
    model = REWRITTEN[name]()
    rng = np.random.default_rng(len(name))
    for weight in model.weights:
        values = rng.normal(size=weight.shape) * 0.3
        weight.assign(np.abs(values) + 0.5 if "variance" in weight.path else values)
    source = KerasSource(model)
    return source, feeds_for(source)

"""The fused kernel gives what Keras' own ops give, and stays out of the way where it can't."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from edgewright_converters.compression.training.batch_norm import fused_batch_norm

SHAPE = (6, 5, 4, 3)


def net(**options: object) -> keras.Model:
    keras.utils.set_random_seed(3)
    given = keras.Input(SHAPE[1:])
    inner = keras.Sequential([keras.Input(SHAPE[1:]), keras.layers.BatchNormalization(**options)])
    return keras.Model(given, keras.layers.BatchNormalization(**options)(inner(given)))


def step(model: keras.Model, x: np.ndarray, *, fused: bool) -> list[np.ndarray]:
    """Outputs, gradients and moving statistics of one training call, traced as a step is."""

    @tf.function(autograph=False)
    def call(inputs: tf.Tensor) -> list[tf.Tensor]:
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            if fused:
                with fused_batch_norm(model):
                    outputs = model(inputs, training=True)
            else:
                outputs = model(inputs, training=True)
            loss = tf.reduce_sum(tf.sin(outputs) * outputs)
        weights = [weight.value for weight in model.trainable_variables]
        return [outputs, *tape.gradient(loss, [inputs, *weights])]

    results = [value.numpy() for value in call(tf.constant(x))]
    return [*results, *(v.numpy() for v in model.non_trainable_variables)]


def ops(model: keras.Model, shape: tuple[int, ...] = SHAPE, **options: object) -> set[str]:
    @tf.function(autograph=False)
    def call(inputs: tf.Tensor) -> tf.Tensor:
        with fused_batch_norm(model):
            return model(inputs, training=True, **options)

    graph = call.get_concrete_function(tf.TensorSpec(shape)).graph
    return {op.type for op in graph.get_operations()}


@pytest.mark.parametrize("options", [{}, {"scale": False}, {"center": False, "epsilon": 1e-5}])
def test_the_same_outputs_gradients_and_statistics(options: dict[str, object]) -> None:
    x = np.random.default_rng(0).normal(2, 3, SHAPE).astype(np.float32)
    plain = step(net(**options), x, fused=False)
    fused = step(net(**options), x, fused=True)
    for wanted, found in zip(plain, fused, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=2e-4, atol=2e-4)


def test_the_variance_has_no_correction() -> None:
    """6 * 5 * 4 values a channel: with Bessel's correction it would be 0.8 % greater."""
    model = net()
    x = np.random.default_rng(0).normal(2, 3, SHAPE).astype(np.float32)
    step(model, x, fused=True)
    wanted = 0.99 + 0.01 * x.var(axis=(0, 1, 2))
    np.testing.assert_allclose(model.layers[1].layers[0].moving_variance, wanted, rtol=1e-5)


def test_every_layer_is_fused_those_of_nested_models_too() -> None:
    assert "FusedBatchNormV3" in (found := ops(net()))
    assert "SquaredDifference" not in found


def test_a_frozen_layer_keeps_its_statistics() -> None:
    model = net()
    model.trainable = False
    assert "FusedBatchNormV3" not in ops(model)


def test_other_axes_and_shapes_are_left_to_keras() -> None:
    assert "FusedBatchNormV3" not in ops(net(axis=1))
    flat = keras.Sequential([keras.Input((7,)), keras.layers.BatchNormalization()])
    assert "FusedBatchNormV3" not in ops(flat, (4, 7))


def test_layers_are_as_before_afterwards() -> None:
    model = net()
    with fused_batch_norm(model):
        pass
    assert all("call" not in vars(layer) for layer in model._flatten_layers())

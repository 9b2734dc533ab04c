"""Batch normalization by one fused kernel while training.

Keras takes moments, differences and products each by an op of its own, forward and backward; on
the CPU that was a third of a step of a small convolutional net. The function is the same, to
rounding: the mean and the variance of the batch, without Bessel's correction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any


@contextmanager
def fused_batch_norm(model: Any) -> Iterator[None]:
    """Within it, calls of the model's layers that have a fused kernel are made by it."""
    import keras

    layers = [
        layer
        for layer in model._flatten_layers()
        if type(layer) is keras.layers.BatchNormalization and not layer.synchronized
    ]
    for layer in layers:
        layer.call = partial(_call, layer, layer.call)
    try:
        yield
    finally:
        for layer in layers:
            del layer.call


def _call(layer: Any, plain: Callable[..., Any], inputs: Any, **kwargs: Any) -> Any:
    """[batch, height, width, channels] float32 in and out; anything else as Keras does it."""
    import tensorflow as tf

    training = kwargs.get("training") and layer.trainable
    images = len(inputs.shape) == 4 and layer.axis in (3, -1) and inputs.dtype == tf.float32
    if not (training and images) or kwargs.get("mask") is not None or layer.renorm:
        return plain(inputs, **kwargs)
    channels = inputs.shape[-1]
    normed, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
        x=inputs,
        scale=tf.ones(channels) if layer.gamma is None else layer.gamma.value,
        offset=tf.zeros(channels) if layer.beta is None else layer.beta.value,
        mean=tf.zeros([0]),
        variance=tf.zeros([0]),
        epsilon=layer.epsilon,
        is_training=True,
    )
    count = tf.cast(tf.size(inputs) // channels, tf.float32)
    _follow(layer.moving_mean, mean, layer.momentum)
    _follow(layer.moving_variance, variance * (count - 1) / count, layer.momentum)
    return normed


def _follow(moving: Any, value: Any, momentum: float) -> None:
    moving.assign(moving * momentum + value * (1.0 - momentum))

"""How weights become integers: eight bits, symmetric, narrow range, one scale per channel.

What is computed here while training is what both kinds of files hold (Jacob et al. 2018; the
TensorFlow Lite 8-bit quantization specification). Dense layers, transposed convolutions and those
over a series have one scale: TensorFlow's converter turns and reshapes their kernels, and gives up
where there are several.
"""

from __future__ import annotations

from typing import Any

CODES = 127  # the greatest of a weight; -128 is not used
_ROOM = 2.0**30  # of the 32 bits of a bias


def per_channel(kind: str) -> bool:
    return kind in ("Conv2D", "DepthwiseConv2D")


def channels_last(kind: str, kernel: Any) -> Any:
    """The kernel with the channels that the layer gives out on its last axis."""
    import keras

    if kind.startswith("Depthwise"):
        return keras.ops.reshape(kernel, (*kernel.shape[:-2], 1, -1))
    return kernel


def as_it_was(kind: str, kernel: Any, shape: tuple[int, ...]) -> Any:
    """From ``channels_last`` back to the kernel's own shape."""
    import keras

    if kind.startswith("Depthwise"):
        return keras.ops.reshape(kernel, shape)
    return kernel


def limits(kind: str, kernel: Any, bias: Any, step: Any) -> tuple[Any, Any]:
    """The kernel, channels last, and the greatest magnitude of each channel (or of all).

    ``step`` is the scale of what the layer takes. A channel whose bias would not fit into 32 bits
    beside its weights (they are millionths: the channel is dead) counts as zero, and a channel of
    zeros takes the greatest magnitude of the others.
    """
    import tensorflow as tf

    view = channels_last(kind, tf.convert_to_tensor(kernel))
    fixed = tf.stop_gradient(view)
    if not per_channel(kind):
        most = tf.reduce_max(tf.abs(fixed))
        return view, tf.where(most > 0, most, 1.0)
    most = tf.reduce_max(tf.abs(fixed), axis=list(range(len(view.shape) - 1)))
    if bias is not None:
        dead = tf.abs(tf.stop_gradient(bias)) * CODES > most * step * _ROOM
        view, most = tf.where(dead, 0.0, view), tf.where(dead, 0.0, most)
    greatest = tf.reduce_max(most)
    return view, tf.where(most > 0, most, tf.where(greatest > 0, greatest, 1.0))


def fake_quantized(kind: str, kernel: Any, bias: Any, step: Any) -> tuple[Any, Any]:
    """Kernel and bias as the integers of a file have them; gradients go straight through.

    ``bias`` may be ``None``. It has 32 bits in steps of the input's scale times the weights'.
    """
    import tensorflow as tf

    step = tf.stop_gradient(step)
    view, most = limits(kind, kernel, bias, step)
    quantized = fake_quantized_view(kind, view, most)
    if bias is not None:
        unit = step * most / CODES
        whole = tf.round(tf.stop_gradient(bias) / unit) * unit
        bias = bias + tf.stop_gradient(whole - bias)
    return as_it_was(kind, quantized, tuple(kernel.shape)), bias


def codes(kind: str, kernel: Any, bias: Any, step: Any) -> tuple[Any, Any, Any]:
    """Kernel and bias as whole numbers (in floats), and the value of one, by output channel."""
    import tensorflow as tf

    view, most = limits(kind, kernel, bias, step)
    scale = most / CODES
    whole = tf.round(fake_quantized_view(kind, view, most) / scale)
    if bias is not None:
        bias = tf.round(bias / (step * scale))
    return as_it_was(kind, whole, tuple(kernel.shape)), bias, step * scale


def fake_quantized_view(kind: str, view: Any, most: Any) -> Any:
    """``view`` has its channels last."""
    import tensorflow as tf

    if per_channel(kind):
        return tf.quantization.fake_quant_with_min_max_vars_per_channel(
            view, -most, most, num_bits=8, narrow_range=True
        )
    return tf.quantization.fake_quant_with_min_max_vars(
        view, -most, most, num_bits=8, narrow_range=True
    )

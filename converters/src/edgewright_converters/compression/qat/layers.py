"""The layers that training quantizes with. They never leave the training: a file has plain ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras  # noqa: TID253 - imported where a graph of these layers is built, and nowhere else
import tensorflow as tf  # noqa: TID253

from edgewright_converters.compression.qat.scales import codes, fake_quantized

MOMENTUM = 0.99  # of the moving averages of least and greatest values
_LEAST_WIDTH = 1e-5
LEVELS = 255


class TensorRange:
    """The range that several tensors share: from the least to the greatest of their observers.

    ``fixed`` is that of a table in the runtime, such as softmax's.
    """

    def __init__(
        self, fixed: tuple[float, float] | None, observers: Sequence[Observer] = ()
    ) -> None:
        self.fixed = fixed
        self.observers = tuple(observers)

    @property
    def watching(self) -> bool:
        """Whether the range is being found: nothing is rounded meanwhile."""
        return any(observer.watching for observer in self.observers)

    def bounds(self) -> tuple[Any, Any]:
        """Scalars. Zero is always inside, as the runtimes want it."""
        if self.fixed is not None:
            return tf.constant(self.fixed[0]), tf.constant(self.fixed[1])
        pairs = [observer.bounds() for observer in self.observers]
        low = tf.minimum(tf.reduce_min(tf.stack([pair[0] for pair in pairs])), 0.0)
        high = tf.maximum(tf.reduce_max(tf.stack([pair[1] for pair in pairs])), 0.0)
        return low, tf.maximum(high, low + _LEAST_WIDTH)

    def step(self) -> Any:
        low, high = self.bounds()
        return (high - low) / LEVELS


class Observer(keras.layers.Layer):  # type: ignore[misc]
    """Learns one tensor's range while it passes through, unchanged.

    ``learned`` ranges follow the gradient (Jain et al. 2020, with plain bounds), others the moving
    average of what is seen. ``hold`` freezes both; ``still`` ones were never to move. While it is
    ``watching`` the range grows to hold every value: calibration, which runs eagerly.
    """

    def __init__(self, *, learned: bool, still: bool, name: str) -> None:
        super().__init__(name=name)
        self.learned, self.still = learned and not still, still
        self.watching = False
        self.low = self._scalar("low", 0.0)
        self.high = self._scalar("high", 0.0)
        self.held = self._scalar("held", 1.0 if still else 0.0)
        if self.learned:
            self.wanted_low = self._scalar("wanted_low", 0.0, trainable=True)
            self.wanted_high = self._scalar("wanted_high", 0.0, trainable=True)

    def _scalar(self, name: str, value: float, *, trainable: bool = False) -> Any:
        start = keras.initializers.Constant(value)
        return self.add_weight(name=name, shape=(), initializer=start, trainable=trainable)

    def bounds(self) -> tuple[Any, Any]:
        low, high = self.low.value, self.high.value
        if not self.learned:
            return low, high
        held = self.held.value > 0
        return (
            tf.where(held, low, self.wanted_low.value),
            tf.where(held, high, self.wanted_high.value),
        )

    def set_bounds(self, low: float, high: float) -> None:
        self.low.assign(low)
        self.high.assign(high)
        if self.learned:
            self.wanted_low.assign(low)
            self.wanted_high.assign(high)

    def hold(self) -> None:
        """Keep the range as it is from here on."""
        if self.learned and not float(self.held.numpy()):
            self.low.assign(self.wanted_low)
            self.high.assign(self.wanted_high)
        self.held.assign(1.0)

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        if self.watching:
            self.set_bounds(
                min(float(self.low), float(tf.reduce_min(inputs))),
                max(float(self.high), float(tf.reduce_max(inputs))),
            )
        elif training and not self.learned and not self.still:
            kept = tf.where(self.held.value > 0, 1.0, MOMENTUM)
            self.low.assign(kept * self.low.value + (1 - kept) * tf.reduce_min(inputs))
            self.high.assign(kept * self.high.value + (1 - kept) * tf.reduce_max(inputs))
        return inputs

    def build(self, input_shape: Any) -> None:
        self.built = True  # its variables were made with it

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape


class FakeQuantize(keras.layers.Layer):  # type: ignore[misc]
    """Rounds a tensor to the 256 values of its range.

    ``pooled`` values, averages over so many (0: no average), are rounded as TFLite does it: halves
    go away from code zero. That is done by ``nudging`` them that way a little where a converter is
    to write it down: for ONNX Runtime, which would round halves to even codes.
    ``only_running`` ones are left alone while training: the logarithm of a probability that was
    rounded to zero teaches nothing. ``activation`` is what made the tensor, for those who ask a
    model's last layer what its outputs are.
    """

    def __init__(
        self,
        tensor_range: TensorRange,
        *,
        name: str,
        observer: Observer | None = None,
        pooled: int = 0,
        nudging: bool = False,
        only_running: bool = False,
        activation: Any = None,
    ) -> None:
        super().__init__(name=name)
        self.tensor_range = tensor_range
        self.observer, self.only_running = observer, only_running
        self.pooled, self.nudging = pooled, nudging
        self.activation = activation

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        if self.observer is not None:
            inputs = self.observer(inputs, training=training)
        if (training and self.only_running) or self.tensor_range.watching:
            return inputs
        low, high = self.tensor_range.bounds()
        if self.pooled and self.nudging:
            inputs = _nudged(inputs, low, high, self.pooled)
        elif self.pooled:
            inputs = inputs + tf.stop_gradient(_halves_away(inputs, low, high) - inputs)
        return tf.quantization.fake_quant_with_min_max_vars(inputs, low, high, num_bits=8)

    def build(self, input_shape: Any) -> None:
        self.built = True  # its variables were made with it

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape


def _nudged(values: Any, low: Any, high: Any, count: int) -> Any:
    """Moved from code zero by less than what lies between two averages over ``count`` codes."""
    by = 1 / (512 * count)
    return values * (1 + by) - by * _code_zero(low, high)


def _code_zero(low: Any, high: Any) -> Any:
    """The value of the code in the middle, zero of -128 to 127."""
    step = (high - low) / LEVELS
    return -tf.round(-128 - low / step) * step


def _halves_away(values: Any, low: Any, high: Any) -> Any:
    """Rounded to codes of -128 to 127; a half goes away from code zero."""
    step = (high - low) / LEVELS
    zero = tf.round(-128 - low / step)
    places = values / step + zero
    return (tf.sign(places) * tf.floor(tf.abs(places) + 0.5) - zero) * step


class FakeQuantizedLinear(keras.layers.Layer):  # type: ignore[misc]
    """A convolution or dense layer that computes with the weights a file will hold.

    ``inner`` is the plain layer, built, without its ``activation``: that one comes after, and after
    ``before``, which rounds what it takes, where no kernel fuses it. Outside of training a layer
    that is ``exact`` adds whole numbers, as the kernels do: sums of rounded floats are a little
    off, and of a hundred thousand results one then falls on the wrong side of a half.
    """

    def __init__(
        self,
        inner: Any,
        taken: TensorRange,
        *,
        activation: Any,
        before: FakeQuantize | None,
        exact: bool,
    ) -> None:
        super().__init__(name=inner.name, trainable=inner.trainable)
        self.inner, self.taken = inner, taken
        self.activation, self.before, self.exact = activation, before, exact

    @property
    def kernel(self) -> Any:
        return self.inner.kernel

    @property
    def bias(self) -> Any:
        return self.inner.bias

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        if self.taken.watching:
            outputs = self.inner(inputs)
        elif self.exact and not training:
            outputs = self._add_codes(inputs)
        else:
            outputs = self._add_values(inputs)
        if self.before is not None:
            outputs = self.before(outputs, training=training)
        return self.activation(outputs)

    def _add_values(self, inputs: Any) -> Any:
        kernel, bias = fake_quantized(
            type(self.inner).__name__, self.inner.kernel.value, self._bias(), self.taken.step()
        )
        return self._call(inputs, kernel, bias)

    def _add_codes(self, inputs: Any) -> Any:
        step = self.taken.step()
        kernel, bias, unit = codes(
            type(self.inner).__name__, self.inner.kernel.value, self._bias(), step
        )
        return self._call(tf.round(inputs / step), kernel, bias) * unit

    def _bias(self) -> Any:
        return self.inner.bias.value if self.inner.use_bias else None

    def _call(self, inputs: Any, kernel: Any, bias: Any) -> Any:
        """The plain layer on other weights than its own."""
        inner = self.inner
        swapped = {id(inner.kernel): kernel, id(inner.bias): bias}
        outputs, _ = inner.stateless_call(
            _swap(inner.trainable_variables, swapped),
            _swap(inner.non_trainable_variables, swapped),
            inputs,
        )
        return outputs

    def build(self, input_shape: Any) -> None:
        self.built = True  # its variables were made with it

    def compute_output_shape(self, input_shape: Any) -> Any:
        return self.inner.compute_output_shape(input_shape)


def _swap(variables: Sequence[Any], swapped: dict[int, Any]) -> list[Any]:
    return [swapped.get(id(variable), variable.value) for variable in variables]

"""Which channels go together, which stay and why, by kind of layer."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

from edgewright_converters.compression.channels.analysis import Analysis, analyse
from edgewright_converters.compression.channels.cut import cut
from edgewright_converters.compression.graph.flat import flatten

layers = keras.layers


def image(channels: int = 3) -> Any:
    return keras.Input((6, 6, channels), name="image")


def end(given: Any, x: Any) -> Analysis:
    """With a classifier behind, so that ``x`` may be cut."""
    y = layers.GlobalAveragePooling2D()(x) if len(x.shape) == 4 else layers.Flatten()(x)
    return analyse(flatten(keras.Model(given, layers.Dense(2, name="head")(y))))


def free(analysis: Analysis) -> dict[str, int]:
    """Units that may go, by the layers that make them."""
    return {s.name: len(s.units) for s in analysis.spaces if s.units}


def conv(x: Any, filters: int, name: str, **more: Any) -> Any:
    return layers.Conv2D(filters, 3, padding="same", name=name, **more)(x)


def test_an_addition_ties_and_chains_of_them_tie_on() -> None:
    given = image()
    a = conv(given, 4, "a")
    b = layers.Add()([a, conv(a, 4, "b")])
    c = layers.Add()([b, conv(conv(b, 5, "inside"), 4, "c")])
    assert free(end(given, c)) == {"a+b+c": 4, "inside": 5}


def test_a_concatenation_keeps_its_parts_apart() -> None:
    given = image()
    both = layers.Concatenate()([conv(given, 3, "a"), conv(given, 2, "b")])
    analysis = end(given, layers.Add()([both, conv(given, 5, "c")]))
    assert free(analysis) == {"a+c": 3, "b+c": 2}
    keep = analysis.keep_all()
    keep[next(s for s in analysis.spaces if "b" in s.layers).units[0]] = False
    smaller = cut(analysis, keep)
    assert [smaller.get_layer(n).filters for n in "abc"] == [3, 1, 4]


def test_flatten_repeats_channels_as_the_last_axis() -> None:
    given = image()
    x = layers.Flatten()(conv(given, 4, "a"))
    model = keras.Model(given, layers.Dense(3, name="head")(x))
    analysis = analyse(flatten(model))
    keep = analysis.keep_all()
    keep[analysis.makers["a"][1][1]] = False
    kernel, _ = cut(analysis, keep).get_layer("head").get_weights()
    columns = np.arange(6 * 6 * 4) % 4 != 1
    np.testing.assert_array_equal(kernel, model.get_layer("head").get_weights()[0][columns])


def test_squeeze_and_excite_goes_with_what_it_scales() -> None:
    given = image()
    x = conv(given, 4, "a")
    gate = layers.GlobalAveragePooling2D()(x)
    gate = layers.Dense(4, activation="sigmoid", name="gate")(
        layers.Dense(3, activation="relu", name="squeeze")(gate)
    )
    x = layers.Multiply()([x, layers.Reshape((1, 1, 4))(gate)])
    assert free(end(given, x)) == {"a+gate": 4, "squeeze": 3}


def test_a_mask_of_one_channel_ties_nothing() -> None:
    given = image()
    x, mask = conv(given, 4, "a"), conv(given, 1, "mask", activation="sigmoid")
    assert free(end(given, layers.Multiply()([x, mask])))["a"] == 4


def test_a_shared_layer_is_cut_alike_at_each_call() -> None:
    given = image()
    both = layers.Conv2D(5, 1, name="both")
    x = layers.Concatenate()([both(conv(given, 4, "a")), both(conv(given, 4, "b"))])
    assert free(end(given, x)) == {"b+a": 4, "both": 5}


def test_an_output_stays_and_names_no_failure() -> None:
    given = image()
    a = conv(given, 4, "a")
    analysis = analyse(flatten(keras.Model(given, [a, conv(a, 2, "b")])))
    assert free(analysis) == {}
    assert set(analysis.pins.values()) >= {"it is an output of the model"}


def test_a_softmax_head_stays_but_what_feeds_it_may_go() -> None:
    given = keras.Input((5,))
    x = layers.Dense(6, name="hidden")(given)
    model = keras.Model(given, layers.Dense(3, activation="softmax", name="head")(x))
    assert free(analyse(flatten(model))) == {"hidden": 6}


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        (lambda: layers.LayerNormalization(name="odd"), "does not know LayerNormalization"),
        (lambda: layers.Conv2D(4, 3, groups=2, name="odd"), "2 groups"),
        (lambda: layers.Softmax(name="odd"), "sums over the channels"),
        (lambda: layers.Reshape((36, 2, 2), name="odd"), "splits the channels"),
        (lambda: layers.Lambda(lambda x: x, name="odd"), "does not know Lambda"),
        (lambda: Named(4, 3, name="odd"), "does not know Conv2D"),
    ],
)
def test_what_is_not_known_pins_what_goes_in(made: Any, reason: str) -> None:
    given = image()
    analysis = end(given, made()(conv(given, 4, "a")))
    assert "a" not in free(analysis)
    assert reason in analysis.refused["odd"]
    unit = int(analysis.makers["a"][1][0])
    assert "'odd'" in analysis.pins[unit]


class Named(layers.Conv2D):
    """A subclass may do anything, whatever it is called."""

    def call(self, inputs: Any) -> Any:
        return super().call(inputs[..., ::-1])


Named.__name__ = "Conv2D"


def test_frozen_layers_are_left_alone() -> None:
    given = image()
    frozen = layers.Conv2D(4, 3, name="frozen", trainable=False)
    analysis = end(given, conv(frozen(conv(given, 5, "before")), 6, "after"))
    assert free(analysis) == {"after": 6}
    assert "frozen" in analysis.refused["frozen"]


def test_a_constant_per_channel_stays() -> None:
    given = image()
    x = keras.ops.multiply(conv(given, 4, "a"), np.ones(4, np.float32))
    assert "a" not in free(end(given, x))


def test_depthwise_and_multiplier() -> None:
    given = image()
    deep = layers.DepthwiseConv2D(3, depth_multiplier=2, name="deep")(conv(given, 4, "a"))
    analysis = end(given, deep)
    assert free(analysis) == {"a": 4}
    keep = analysis.keep_all()
    keep[analysis.makers["a"][1][[0, 2]]] = False
    smaller = cut(analysis, keep)
    assert smaller.get_layer("deep").kernel.shape == (3, 3, 2, 2)
    assert smaller.get_layer("head").kernel.shape == (4, 2)


def test_series_of_embeddings() -> None:
    given = keras.Input((7,), dtype="int32")
    x = layers.Embedding(20, 6, name="words")(given)
    x = layers.Conv1D(4, 3, name="a")(x)
    x = layers.GlobalMaxPooling1D()(x)
    analysis = analyse(flatten(keras.Model(given, layers.Dense(2)(x))))
    assert free(analysis) == {"words": 6, "a": 4}

"""A model taken apart and put together again is the same function, in layers of its own."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

from edgewright_converters.compression.graph.build import LEFT_OUT, Changed, build, copy_model
from edgewright_converters.compression.graph.flat import flatten
from edgewright_runtimes.errors import BadInput

# Keras' own, when it saves a variable under NumPy 2
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


def residual() -> Any:
    given = keras.Input((8, 8, 3), name="image")
    x = keras.layers.Conv2D(4, 3, padding="same", name="stem")(given)
    y = keras.layers.BatchNormalization(name="norm")(x)
    y = keras.layers.ReLU(name="act")(y)
    y = keras.layers.DepthwiseConv2D(3, padding="same", name="deep")(y)
    z = keras.layers.Add(name="sum")([x, y])
    z = keras.layers.Concatenate(name="both")([z, x * 2.0])
    z = keras.layers.GlobalAveragePooling2D(name="pool")(z)
    return keras.Model(given, keras.layers.Dense(5, name="head")(z), name="residual")


def nested() -> Any:
    inner = keras.Sequential(
        [keras.Input((6,)), keras.layers.Dense(6, activation="relu", name="a")], name="inner"
    )
    given = keras.Input((6,), name="x")
    a = keras.layers.Dense(6, name="a")(inner(given))
    return keras.Model(given, [inner(a), a], name="nested")


def by_name() -> Any:
    left, right = keras.Input((4,), name="left"), keras.Input((4,), name="right")
    shared = keras.layers.Dense(3, name="shared")
    total = shared(left) + keras.ops.relu(shared(right))
    model = keras.Model({"left": left, "right": right}, {"total": total, "l": shared(left)})
    return model


def sequential() -> Any:
    layers = keras.layers
    return keras.Sequential(
        [keras.Input((5, 3)), layers.LSTM(4, return_sequences=True), layers.LSTM(2)]
    )


def scrambled(model: Any) -> Any:
    rng = np.random.default_rng(1)
    model.set_weights([rng.uniform(0.1, 1.0, w.shape) for w in model.get_weights()])
    return model


def fed(model: Any) -> Any:
    rng = np.random.default_rng(0)
    tensors = [rng.normal(size=(2, *t.shape[1:])).astype(np.float32) for t in model.inputs]
    structure = getattr(model, "_inputs_struct", None)
    return keras.tree.pack_sequence_as(structure, tensors) if structure is not None else tensors[0]


@pytest.mark.parametrize("net", [residual, nested, by_name, sequential])
def test_the_copy_is_the_same_function(net: Any) -> None:
    model = scrambled(net())
    copy = copy_model(model)
    given = fed(model)
    wanted, got = model(given), copy(given)
    keras.tree.assert_same_structure(wanted, got)
    for a, b in zip(keras.tree.flatten(wanted), keras.tree.flatten(got), strict=True):
        np.testing.assert_array_equal(a, b)
    assert not {id(v) for v in model.variables} & {id(v) for v in copy.variables}
    assert copy.count_params() == model.count_params()


def test_the_copy_can_be_saved(tmp_path: Any) -> None:
    model = scrambled(nested())
    copy_model(model).save(tmp_path / "copy.keras")
    again = keras.models.load_model(tmp_path / "copy.keras")
    for a, b in zip(model(fed(model)), again(fed(model)), strict=True):
        np.testing.assert_array_equal(a, b)


def test_names_are_unique_and_shared_layers_are_one() -> None:
    graph = flatten(nested())
    assert [n.name for n in graph.layers()] == ["x", "a", "nested_a"] or [
        n.name for n in graph.layers()
    ] == ["x", "a", "a_2"]
    inner = graph.nodes[1]
    assert len(graph.calls(inner.layer)) == 2


def test_a_layer_can_be_left_out_or_changed() -> None:
    model = scrambled(residual())
    graph = flatten(model)
    kernel, bias = model.get_layer("head").get_weights()
    changed = Changed(config={"units": 2}, weights=[kernel[:, :2], bias[:2]])
    smaller = build(graph, {"head": changed, "act": LEFT_OUT})
    assert smaller.output_shape == (None, 2)
    assert "act" not in [layer.name for layer in smaller.layers]


def test_a_subclassed_model_says_what_to_do() -> None:
    class Own(keras.Model):
        def call(self, x: Any) -> Any:
            return x

    with pytest.raises(BadInput, match="make it Functional"):
        flatten(Own())

"""The frozen graph: weights become constants on demand, and are not kept."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.converters.nets import KerasSource, build, feeds_for

from edgewright_converters.errors import ConversionError
from edgewright_converters.formats.frozen import freeze

pytestmark = pytest.mark.filterwarnings("default")  # TensorFlow's own


def constants(content: bytes) -> list[Any]:
    import tensorflow as tf

    graph = tf.compat.v1.GraphDef.FromString(content)
    return [n.attr["value"].tensor for n in graph.node if n.op == "Const"]


def test_what_is_kept_holds_no_weights() -> None:
    import keras

    x = keras.Input((256,), name="x")
    source = KerasSource(keras.Model(x, keras.layers.Dense(256)(x)))
    frozen = freeze(source, batch=1)
    assert freeze(source, batch=1) is frozen
    weights_bytes = 256 * 256 * 4
    assert len(frozen.graph_def.SerializeToString()) < weights_bytes / 10
    first = frozen.serialize()
    assert len(first) > weights_bytes
    assert len(frozen.graph_def.SerializeToString()) < weights_bytes / 10
    assert frozen.serialize() == first


def test_weights_are_those_of_the_moment() -> None:
    """A live model may be trained on between two conversions."""
    import keras
    import tensorflow as tf

    x = keras.Input((64,), name="x")
    dense = keras.layers.Dense(8, use_bias=False)
    source = KerasSource(keras.Model(x, dense(x)))
    frozen = freeze(source, batch=1)
    for value in (1.5, -2.0):
        dense.set_weights([np.full((64, 8), value, np.float32)])
        big = [t for t in map(tf.make_ndarray, constants(frozen.serialize())) if t.size == 64 * 8]
        assert [set(t.ravel()) for t in big] == [{value}]


@pytest.mark.parametrize("name", ["several", "lstm"])
def test_edges_stand_in_the_order_of_the_signature(name: str) -> None:
    import tensorflow as tf

    source = build(name)
    frozen = freeze(source, batch=1)
    assert frozen.input_names == tuple(spec.name for spec in source.signature.inputs)
    shapes = [(1, *spec.shape[1:]) for spec in source.signature.inputs]
    assert [tuple(tensor.shape) for tensor in frozen.inputs] == shapes
    feeds = feeds_for(source, items=1)
    values = frozen.function(*(tf.constant(feeds[name]) for name in frozen.input_names))
    expected = source.predict(feeds)
    for name, value in zip(frozen.output_names, values, strict=True):
        np.testing.assert_allclose(value, expected[name], atol=1e-6)


@pytest.mark.parametrize("unroll", [False, True])
def test_a_layer_that_keeps_its_state_is_named(unroll: bool) -> None:
    import keras

    x = keras.Input(batch_shape=(1, 3, 2), name="x")
    memory = keras.layers.LSTM(4, stateful=True, unroll=unroll, name="memory")
    source = KerasSource(keras.Model(x, memory(x)))
    with pytest.raises(ConversionError, match="'memory' writes to a variable") as caught:
        freeze(source, batch=1)
    assert "stateful=False" in caught.value.hint

"""A layer called twice, in 16x8: each call needs a bias of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter
from tests.converters.nets import KerasSource

from edgewright_converters.formats import tflite
from edgewright_converters.formats.format import Calibration, WriteRequest
from edgewright_converters.formats.tflite_graph.sharing import unshare
from edgewright_converters.tolerances import judge
from edgewright_runtimes.records import Variant

pytestmark = pytest.mark.filterwarnings("default")  # TensorFlow's own


def called_twice(*, siamese: bool) -> KerasSource:
    """One encoder on two inputs, or on an input and on what it made of it."""
    import keras
    from keras import layers

    encoder = keras.Sequential(
        [keras.Input((10,)), layers.Dense(12, activation="relu"), layers.Dense(8)]
    )
    a = keras.Input((10,), name="a")
    if siamese:
        inputs = [a, keras.Input((10,), name="b")]
        left, right = (encoder(x) for x in inputs)
    else:
        inputs, left = [a], encoder(a)
        right = encoder(layers.Dense(10)(left))
    model = keras.Model(
        inputs if siamese else a, layers.Dense(3)(layers.Concatenate()([left, right]))
    )
    rng = np.random.default_rng(7)
    for weight in model.weights:
        weight.assign(rng.normal(size=weight.shape) * 0.4)
    return KerasSource(model)


def write(source: KerasSource, scheme: str, feeds: dict[str, Any], folder: Path) -> bytes:
    variant = Variant(format="tflite", scheme=scheme)
    request = WriteRequest(variant=variant, batch=1, calibration=Calibration(feeds=feeds))
    return (folder / tflite.write(source, request, folder).file).read_bytes()


@pytest.mark.parametrize("siamese", [False, True])
def test_both_calls_answer_like_the_source(siamese: bool, tmp_path: Path) -> None:
    source = called_twice(siamese=siamese)
    rng = np.random.default_rng(0)
    # inputs of different ranges, so that their scales differ
    feeds = {
        spec.name: (rng.normal(size=(32, 10)) * 10**n).astype(np.float32)
        for n, spec in enumerate(source.signature.inputs)
    }
    runner = Interpreter(
        model_content=write(source, "int16x8", feeds, tmp_path)
    ).get_signature_runner()
    rows = [runner(**{k: v[n : n + 1] for k, v in feeds.items()}) for n in range(32)]
    got = {name: np.concatenate([row[name] for row in rows]) for name in rows[0]}
    judgement = judge("int16x8", source.predict(feeds), got, real=True)
    assert judgement.max_error is not None
    assert judgement.max_error < 0.03


def test_what_is_not_shared_stays_as_it_is(tmp_path: Path) -> None:
    import keras

    x = keras.Input((4,), name="x")
    source = KerasSource(keras.Model(x, keras.layers.Dense(3)(keras.layers.Dense(4)(x))))
    content = write(source, "float32", {}, tmp_path)
    assert unshare(content) is content

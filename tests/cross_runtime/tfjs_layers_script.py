"""Run by the oracle's interpreter: layers models of the package ``tensorflowjs``, read by us.

Usage: python tfjs_layers_script.py FOLDER      (writes FOLDER/results.json, {net: result})
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np


def nets(keras: Any, tf: Any) -> dict[str, Callable[[], Any]]:
    layers = keras.layers

    def image() -> Any:
        i = x = layers.Input((8, 8, 3), name="image")
        x = layers.Conv2D(4, 3, padding="same", use_bias=False)(x)
        x = layers.ReLU(6.0)(layers.BatchNormalization()(x))
        x = layers.GlobalAveragePooling2D()(layers.DepthwiseConv2D(3)(x))
        return keras.Model(i, layers.Dense(3, activation="softmax", name="kind")(x))

    def recurrent() -> Any:
        i = layers.Input((6, 4), name="steps")
        x = layers.LSTM(5, return_sequences=True)(i)
        x = layers.Bidirectional(layers.GRU(3, reset_after=True))(x)
        return keras.Model(i, layers.Dense(2, name="next")(x))

    def several() -> Any:
        a, b = layers.Input((4,), name="left"), layers.Input((4,), name="right")
        shared = layers.Dense(3, activation="hard_sigmoid")
        both = layers.Concatenate()([shared(a), shared(b)])
        outputs = [layers.Dense(2, name="first")(both), layers.Dense(1, name="second")(both)]
        return keras.Model([a, b], outputs)

    def sequential() -> Any:
        return keras.Sequential(
            [layers.Input((5,), name="x"), layers.Dense(4, activation="elu"), layers.Dense(2)]
        )

    def operations() -> Any:
        i = layers.Input((4, 6), name="x")
        return keras.Model(i, tf.reduce_mean(tf.nn.relu(i * 2.0 - 0.5), axis=1))

    def code() -> Any:
        i = layers.Input((4,), name="x")
        return keras.Model(i, layers.Lambda(lambda x: x + 1)(i))

    return {
        "image": image,
        "recurrent": recurrent,
        "several": several,
        "sequential": sequential,
        "operations": operations,
        "code": code,
    }


def compare(model: Any, folder: Path, stored: str) -> dict[str, Any]:
    """How far our reading of what ``model`` was saved as is from the model itself."""
    import tensorflowjs as tfjs

    from edgewright_converters.sources.reading import open_source

    quantized = {stored: "*"} if stored else None
    tfjs.converters.save_keras_model(model, str(folder), quantization_dtype_map=quantized)
    source = open_source(folder / "model.json", unsafe=False)
    rng = np.random.default_rng(0)
    feeds = {
        spec.name: rng.normal(size=(5, *spec.shape[1:])).astype(np.float32)
        for spec in source.signature.inputs
    }
    expected = model([feeds[name] for name in model.input_names])
    expected = expected if isinstance(expected, list) else [expected]
    answers = source.predict(feeds)
    once = source.as_concrete_function(batch=1)
    return {
        "kind": source.kind,
        "notes": list(source.notes),
        "keras3": source.as_keras() is not None,
        "inputs": [spec.name for spec in source.signature.inputs],
        "outputs": [spec.name for spec in source.signature.outputs],
        "difference": max(
            float(np.abs(theirs.numpy() - ours).max())
            for theirs, ours in zip(expected, answers.values(), strict=True)
        ),
        "batch": sorted({t.shape[0] for t in once.inputs if t.dtype.name == "float32"}),
    }


def main(folder: Path) -> None:
    import tensorflow as tf
    import tf_keras

    tf_keras.utils.set_random_seed(0)
    results: dict[str, Any] = {}
    made = nets(tf_keras, tf)
    jobs = {name: (make, "") for name, make in made.items()}
    jobs["uint8"] = (made["image"], "uint8")
    for name, (make, stored) in jobs.items():
        try:
            results[name] = compare(make(), folder / name, stored)
        except Exception as error:  # whatever is raised is the answer
            results[name] = {"error": f"{type(error).__name__}: {error}"}
    (folder / "results.json").write_text(json.dumps(results))


if __name__ == "__main__":
    main(Path(sys.argv[1]))

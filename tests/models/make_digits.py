"""Make ``digits.edgewright``, a bundle of a small net in the three formats, for tests of pages.

    python tests/models/make_digits.py

1,900 weights on scikit-learn's digits (pixels of 0 to 16), trained on 1,197 of them.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import keras
import numpy as np
from keras import layers

import edgewright
from edgewright.demo.digits import HELD_BACK, digits

OUT = Path(__file__).with_name("digits.edgewright")


def main() -> None:
    x, y = digits()
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((8, 8, 1), name="image"),
            layers.Conv2D(8, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(16, 3, activation="relu"),
            layers.Flatten(),
            layers.Dense(10, activation="softmax", name="digit"),
        ],
        name="digits",
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x[HELD_BACK:] / 16.0, y[HELD_BACK:], epochs=40, batch_size=32, verbose=0)
    print(model.evaluate(x[:HELD_BACK] / 16.0, y[:HELD_BACK], verbose=0))
    with tempfile.TemporaryDirectory() as folder:
        saved, train = Path(folder) / "digits.keras", Path(folder) / "train.npz"
        model.save(saved)
        np.savez(train, x=x[HELD_BACK:], y=y[HELD_BACK:])
        shutil.rmtree(OUT, ignore_errors=True)
        edgewright.convert(
            saved,
            out=OUT,
            variants=["tflite-int8", "tflite-int8-io", "onnx-int8", "tfjs-uint8"],
            calibrate=str(train),
            preprocess={"scale": 0.0625},
            labels=[str(digit) for digit in range(10)],
        )


if __name__ == "__main__":
    main()

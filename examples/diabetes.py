"""Diabetes: a regression, whose gate is relative to the source's own error.

    python examples/diabetes.py [--out FOLDER] [--gate mae:5%]

Trains on 300 of scikit-learn's 442 patients, converts to TFLite and ONNX, and compares the mean
absolute error with the source's on the other 142. Exit codes: those of ``edgewright check``.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

import numpy as np

import edgewright
from edgewright_runtimes.errors import EdgewrightError

TRAINED_ON = 300  # of 442


def save_data(folder: Path) -> tuple[Path, Path]:
    """Ten measurements of each patient, and how far the disease went a year later."""
    from sklearn.datasets import load_diabetes

    x, y = load_diabetes(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(x))
    x, y = x[order].astype(np.float32), y[order].astype(np.float32)
    train, test = folder / "train.npz", folder / "test.npz"
    np.savez(train, x=x[:TRAINED_ON], y=y[:TRAINED_ON])
    np.savez(test, x=x[TRAINED_ON:], y=y[TRAINED_ON:])
    return train, test


def train_model(x: np.ndarray, y: np.ndarray) -> Any:
    """Its last layer brings the answer back to the units of ``y``."""
    import keras
    from keras import layers

    keras.utils.set_random_seed(0)
    mean, spread = float(y.mean()), float(y.std())
    inputs = keras.Input((x.shape[1],), name="patient")
    hidden = layers.Dense(16, activation="relu")(inputs)
    scaled = keras.Model(inputs, layers.Dense(1)(hidden))
    scaled.compile("adam", "mse")
    scaled.fit(x, (y - mean) / spread, epochs=60, batch_size=32, verbose=0)
    progression = layers.Rescaling(spread, offset=mean, name="progression")(scaled.output)
    return keras.Model(scaled.input, progression)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("diabetes"))
    parser.add_argument("--gate", default="mae:5%", help="METRIC:DROP%%")
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    train, test = save_data(asked.out)
    scale = 20.0  # the measurements are of about 0.05; declared, so that an app gives them raw
    with np.load(train) as arrays:
        trained = train_model(arrays["x"] * scale, arrays["y"])
    model = asked.out / "model.keras"
    trained.save(model)
    bundle = asked.out / "bundle"
    made = edgewright.convert(
        model,
        out=bundle,
        formats=["tflite", "onnx"],
        variants=["float32", "int8"],
        calibrate=str(train),
        preprocess={"scale": scale},
    )
    checked = edgewright.check(bundle, data=str(test), gates=[asked.gate])
    for result in checked.results:
        error = result.score("mae")
        if error is None or None in (error.source, error.artifact, error.change):
            continue
        decision = result.decision.value if result.decision else "not decided"
        print(
            f"{result.artifact}: mean absolute error {error.artifact:.2f}"
            f" (source {error.source:.2f}, {error.change:+.2%}), {decision}"
        )
    return made.exit_code or checked.exit_code


if __name__ == "__main__":
    try:
        sys.exit(main())
    except EdgewrightError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_code)

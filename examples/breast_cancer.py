"""Breast cancer: a detector is judged by the tumours it misses, not by its accuracy.

    python examples/breast_cancer.py [--out FOLDER] [--gate fnr:5]

Trains on 60 % of scikit-learn's 569 cases (class 1 is malignant), converts to TFLite and ONNX,
and prints the false-negative rate of each artifact beside the source's, with its interval. The
gate is on that rate: ``fnr:5`` allows five points more. Exit codes: those of ``edgewright check``.
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

TRAINED_ON = 341  # of 569


def save_data(folder: Path) -> tuple[Path, Path]:
    """Thirty measurements of each tumour, raw, and 1 where it is malignant."""
    from sklearn.datasets import load_breast_cancer

    x, benign = load_breast_cancer(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(x))
    x, y = x[order].astype(np.float32), (1 - benign[order]).astype(np.int64)
    train, test = folder / "train.npz", folder / "test.npz"
    np.savez(train, x=x[:TRAINED_ON], y=y[:TRAINED_ON], classes=np.array(["benign", "malignant"]))
    np.savez(test, x=x[TRAINED_ON:], y=y[TRAINED_ON:], classes=np.array(["benign", "malignant"]))
    return train, test


def standardization(x: np.ndarray) -> dict[str, list[float]]:
    """Mean and deviation of each measurement, in four digits: they travel in the contract."""
    return {
        "mean": [float(f"{value:.4g}") for value in x.mean(axis=0)],
        "std": [float(f"{value:.4g}") for value in x.std(axis=0)],
    }


def train_model(x: np.ndarray, y: np.ndarray) -> Any:
    import keras
    from keras import layers

    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((x.shape[1],), name="measurements"),
            layers.Dense(16, activation="relu"),
            layers.Dense(2, activation="softmax", name="diagnosis"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(x, y, epochs=60, batch_size=32, verbose=0)
    return model


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("breast-cancer"))
    parser.add_argument("--gate", default="fnr:5", help="METRIC:DROP")
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    train, test = save_data(asked.out)
    with np.load(train) as arrays:
        x, y = arrays["x"], arrays["y"]
    declared = standardization(x)
    scaled = (x - np.array(declared["mean"])) / np.array(declared["std"])
    bundle = asked.out / "bundle"
    model = asked.out / "model.keras"
    train_model(scaled, y).save(model)
    made = edgewright.convert(
        model,
        out=bundle,
        formats=["tflite", "onnx"],
        variants=["float32", "int8"],
        calibrate=str(train),
        preprocess=declared,
    )
    checked = edgewright.check(bundle, data=str(test), gates=[asked.gate])
    for result in checked.results:
        rate = result.score("fnr")
        if rate is None or None in (rate.source, rate.artifact, rate.low, rate.high):
            continue
        decision = result.decision.value if result.decision else "not decided"
        print(
            f"{result.artifact}: misses {rate.artifact:.1%} of {rate.items} malignant"
            f" (source {rate.source:.1%}; change {rate.low * 100:+.1f} to {rate.high * 100:+.1f}"
            f" points), {decision}"
        )
        for gate in result.gates:
            if gate.items_needed:
                print(f"  {gate.gate}: about {gate.items_needed:,} malignant cases would decide")
    return made.exit_code or checked.exit_code


if __name__ == "__main__":
    try:
        sys.exit(main())
    except EdgewrightError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_code)

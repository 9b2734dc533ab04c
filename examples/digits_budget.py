"""Handwritten digits on a budget: does the int8 artifact fit, and is it good enough?

    python examples/digits_budget.py [--out FOLDER] [--budget-kb 40] [--max-drop 2.0]

Trains a small net on 1,197 of scikit-learn's 1,797 digits, converts it to TFLite, and decides on
the 600 held back. Exit codes: those of ``edgewright check`` (0 ship, 4 do not ship, 5 not enough
data), and 4 as well where the file is over the budget.
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

HELD_BACK = 600
DO_NOT_SHIP = 4


def save_data(folder: Path) -> tuple[Path, Path]:
    """``train.npz`` and ``test.npz``: images [items, 8, 8, 1] of 0 to 16, shuffled once."""
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(x))
    x, y = x[order].reshape(-1, 8, 8, 1).astype(np.float32), y[order]
    train, test = folder / "train.npz", folder / "test.npz"
    np.savez(train, x=x[HELD_BACK:], y=y[HELD_BACK:])
    np.savez(test, x=x[:HELD_BACK], y=y[:HELD_BACK])
    return train, test


def train_model(data: Path) -> Any:
    """A net of 17,000 weights on pixels of 0 to 1."""
    import keras
    from keras import layers

    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((8, 8, 1), name="image"),
            layers.Conv2D(16, 3, padding="same", activation="relu"),
            layers.Conv2D(32, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(24, activation="relu"),
            layers.Dense(10, activation="softmax", name="digit"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy")
    with np.load(data) as arrays:
        model.fit(arrays["x"] / 16.0, arrays["y"], epochs=20, batch_size=32, verbose=0)
    return model


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("digits-budget"))
    parser.add_argument("--budget-kb", type=float, default=40.0)
    parser.add_argument("--max-drop", type=float, default=2.0, help="points of accuracy")
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    train, test = save_data(asked.out)
    bundle = asked.out / "bundle"
    model = asked.out / "model.keras"
    train_model(train).save(model)
    made = edgewright.convert(
        model,
        out=bundle,
        formats=["tflite"],
        variants=["float32", "int8"],
        calibrate=str(train),
        preprocess={"scale": "1/16"},  # raw pixels of 0 to 16, declared once
    )
    sizes = {artifact.name: artifact.size_bytes / 1000 for artifact in (*made.built, *made.taken)}
    checked = edgewright.check(bundle, data=str(test), max_drop=asked.max_drop)
    for result in checked.results:
        accuracy = result.score("accuracy")
        said = f"{accuracy.artifact:.2%}" if accuracy and accuracy.artifact is not None else "-"
        decision = result.decision.value if result.decision else "not decided"
        print(f"{result.artifact}: {sizes[result.artifact]:.1f} kB, accuracy {said}, {decision}")
    size = sizes.get("tflite-int8")
    if size is None or size > asked.budget_kb:
        print(f"tflite-int8 is not within {asked.budget_kb:g} kB: do not ship")
        return DO_NOT_SHIP
    print(f"tflite-int8 is within {asked.budget_kb:g} kB")
    return made.exit_code or checked.exit_code


if __name__ == "__main__":
    try:
        sys.exit(main())
    except EdgewrightError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_code)

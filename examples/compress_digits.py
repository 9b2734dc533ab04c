"""Handwritten digits, compressed: pruned, clustered, int8; checked, timed, and a report.

    python examples/compress_digits.py [--out FOLDER] [--recipe FILE] [--max-drop 3.0]

Trains a small net on 1,197 of scikit-learn's 1,797 digits and compresses it by
``compress_digits.toml``. The 600 held back decide. Exit codes: those of ``edgewright check``.
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
from edgewright.verbs.compress import Settings
from edgewright_runtimes.errors import EdgewrightError

HELD_BACK = 600
RECIPE = Path(__file__).with_suffix(".toml")


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
    """A net of 38,000 weights on pixels of 0 to 1."""
    import keras
    from keras import layers

    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((8, 8, 1), name="image"),
            layers.Conv2D(16, 3, padding="same", activation="relu"),
            layers.Conv2D(32, 3, strides=2, padding="same", activation="relu"),
            layers.Flatten(),
            layers.Dense(64, activation="relu"),
            layers.Dense(10, activation="softmax", name="digit"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy")
    with np.load(data) as arrays:
        model.fit(arrays["x"] / 16.0, arrays["y"], epochs=15, batch_size=32, verbose=0)
    return model


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("compress-digits"))
    parser.add_argument("--recipe", default=str(RECIPE), help="a .toml file, or a name")
    parser.add_argument("--max-drop", type=float, default=3.0, help="points of accuracy")
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    train, test = save_data(asked.out)
    model, bundle = asked.out / "model.keras", asked.out / "bundle"
    if not model.exists():  # a second run takes what the first one trained
        train_model(train).save(model)
    made = edgewright.compress(
        model,
        recipe=asked.recipe,
        out=bundle,
        settings=Settings(
            data=str(train),
            check=str(test),
            formats=["tflite"],
            preprocess={"scale": "1/16"},  # raw pixels of 0 to 16, declared once
        ),
    )
    for record in made.compressed.records if made.compressed else ():
        left, zipped = record.after.nonzero, record.after.zipped_bytes / record.before.zipped_bytes
        print(f"{record.step.label}: {left:,} weights are not zero, zipped {zipped:.2f} x")
    checked = edgewright.check(bundle, data=str(test), max_drop=asked.max_drop)
    edgewright.bench(bundle, preset="smoke")
    artifacts = {artifact.name: artifact for artifact in (*made.controls, *made.artifacts)}
    for result in checked.results:
        accuracy, artifact = result.score("accuracy"), artifacts[result.artifact]
        said = f"{accuracy.artifact:.2%}" if accuracy and accuracy.artifact is not None else "-"
        decision = result.decision.value if result.decision else "not decided"
        size = f"{artifact.size_bytes / 1000:.1f} kB, zipped {artifact.zipped_bytes / 1000:.1f} kB"
        print(f"{artifact.name}: {size}, accuracy {said}, {decision}")
    print(edgewright.report(bundle))
    return made.exit_code or checked.exit_code


if __name__ == "__main__":
    try:
        sys.exit(main())
    except EdgewrightError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_code)

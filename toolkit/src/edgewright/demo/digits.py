"""Train a small net on the 1,797 handwritten digits that scikit-learn ships.

``python -m edgewright.demo.digits FOLDER`` writes ``model.keras``, ``train.npz`` and ``test.npz``.
600 digits are held back: they are never trained on nor calibrated with.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

HELD_BACK = 600
EPOCHS = 15


def digits() -> tuple[Any, Any]:
    """Images [1797, 8, 8, 1] of 0..16 as float32, and labels; shuffled, for they come in order."""
    import numpy as np
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(x))
    return x[order].reshape(-1, 8, 8, 1).astype("float32"), y[order].astype("int64")


def train(x: Any, y: Any) -> Any:
    """A convolutional net of 20 k parameters for the digits, scaled to 0..1 (see the plan)."""
    import keras
    from keras import layers

    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((8, 8, 1), name="image"),
            layers.Conv2D(32, 3, padding="same", activation="relu"),
            layers.Conv2D(32, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(32, 3, activation="relu"),
            layers.Flatten(),
            layers.Dense(10, activation="softmax", name="digit"),
        ],
        name="digits",
    )
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(x / 16.0, y, epochs=EPOCHS, batch_size=64, verbose=0)
    return model


def main(folder: Path) -> None:
    import numpy as np

    x, y = digits()
    train_x, train_y = x[HELD_BACK:], y[HELD_BACK:]
    np.savez_compressed(folder / "train.npz", x=train_x, y=train_y)
    np.savez_compressed(folder / "test.npz", x=x[:HELD_BACK], y=y[:HELD_BACK])
    train(train_x, train_y).save(folder / "model.keras")


if __name__ == "__main__":
    main(Path(sys.argv[1]))

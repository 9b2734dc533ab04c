"""A small net and data for what trains: seconds, not minutes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from edgewright_converters.compression.context import Context, Items

CLASSES = 3


def items(count: int = 240, *, seed: int = 0, labels: bool = True) -> Items:
    """8 numbers in, 3 classes that a small net can tell apart."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(count, 8)).astype(np.float32)
    y = (x[:, 0] + x[:, 1] * x[:, 2] > 0).astype(np.int32) + (x[:, 3] > 0)
    return Items(inputs={"x": x}, labels=y.astype(np.int32) if labels else None)


def net(*, activation: str | None = "softmax", seed: int = 1) -> Any:
    """Batch norm and dropout in it, so that their state has to be kept as well."""
    import keras

    keras.utils.set_random_seed(seed)
    given = keras.Input((8,), name="x")
    x = keras.layers.Dense(24, activation="relu", name="first")(given)
    x = keras.layers.BatchNormalization(name="norm")(x)
    x = keras.layers.Dropout(0.2, name="drop")(x)
    x = keras.layers.Dense(16, activation="relu", name="second")(x)
    return keras.Model(given, keras.layers.Dense(CLASSES, activation=activation, name="head")(x))


def context(folder: Path, **given: Any) -> Context:
    """Training and held-back items, no original, unless ``given`` says otherwise."""
    held_back = items(80, seed=9)
    base = Context(
        train=items(),
        held_back=held_back,
        scored=held_back,
        original=None,
        folder=folder / "stage",
    )
    return replace(base, **given)


def same_weights(left: Any, right: Any) -> bool:
    """Bit for bit."""
    pairs = zip(left.get_weights(), right.get_weights(), strict=True)
    return all(np.array_equal(a, b) for a, b in pairs)

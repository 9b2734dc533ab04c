"""The nets that the compression tables share: a MobileNet-like one, trained once and kept.

    EDGEWRIGHT_REAL=DIR python benchmarks/compress_nets.py [--work DIR]

trains it (cifar10_train20k, flips and shifts, no other data) or finds it trained, and prints what
it reads on the test images. ``rescaled`` spoils its channels for integers, and its function not
at all.
"""

from __future__ import annotations

import argparse
import itertools
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

import numpy as np

Array = np.ndarray[Any, Any]

STEM = 24
BLOCKS = ((48, 2), (64, 1), (96, 2), (128, 1), (160, 1))  # channels, stride
EPOCHS, BATCH, RATE, SEED = 7, 64, 3e-3, 0  # of 30 epochs it reads 78 %
ONE_PAIR = "b3_point"  # whose channels alone are scaled where one pair is asked for
DEFAULT_WORK = Path.home() / ".cache" / "edgewright-benchmarks"


@dataclass(frozen=True, kw_only=True)
class Images:
    """``x`` [items, 32, 32, 3] float32 as the net takes them, ``y`` [items] of 10 classes."""

    x: Array
    y: Array


def cifar10(part: str, *, centred: bool = True) -> Images:
    """``test`` (10,000) or ``train20k``, permuted: the test file is sorted by class.

    ``centred`` pixels are x / 127.5 - 1, else they stay 0 to 255 (what ResNet8 takes).
    """
    root = os.environ.get("EDGEWRIGHT_REAL")
    if not root:
        raise SystemExit("name the collection of real models and data: EDGEWRIGHT_REAL=DIR")
    with np.load(Path(root) / "data" / f"cifar10_{part}.npz", allow_pickle=False) as data:
        order = np.random.default_rng(SEED).permutation(len(data["x"]))
        x, y = data["x"][order].astype(np.float32), data["y"][order].astype(np.int64)
    return Images(x=x / np.float32(127.5) - 1 if centred else x, y=y)


def mobile_net() -> Any:
    """Depthwise and pointwise convolutions, each with batch norm and ReLU: 50 k parameters."""
    import keras

    layers = keras.layers

    def normed(x: Any, name: str) -> Any:
        x = layers.BatchNormalization(name=f"{name}_norm")(x)
        return layers.ReLU(name=f"{name}_relu")(x)

    given = keras.Input((32, 32, 3), name="image")
    x = layers.Conv2D(STEM, 3, padding="same", use_bias=False, name="stem")(given)
    x = normed(x, "stem")
    for number, (channels, stride) in enumerate(BLOCKS, 1):
        deep, point = f"b{number}_deep", f"b{number}_point"
        x = layers.DepthwiseConv2D(3, strides=stride, padding="same", use_bias=False, name=deep)(x)
        x = normed(x, deep)
        x = layers.Conv2D(channels, 1, use_bias=False, name=point)(x)
        x = normed(x, point)
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    return keras.Model(given, layers.Dense(10, name="logits")(x), name="mobile")


def trained_mobile_net(work: Path) -> Any:
    """From ``work``, where it is trained already; else trained now (about 5 minutes) and kept."""
    import keras

    path = work / f"mobile-{EPOCHS}-epochs.keras"
    if not path.exists():
        work.mkdir(parents=True, exist_ok=True)
        model = _train(mobile_net)
        partial = path.with_name(f"partial-{path.name}")
        model.save(partial)
        partial.replace(path)
    return keras.models.load_model(path, compile=False)


def _train(make: Any) -> Any:
    import keras

    keras.utils.set_random_seed(SEED)
    model, images = make(), cifar10("train20k")
    steps = EPOCHS * (len(images.x) // BATCH)
    schedule = keras.optimizers.schedules.CosineDecay(
        0.0, steps, warmup_target=RATE, warmup_steps=steps // 20
    )
    model.compile(
        optimizer=keras.optimizers.Adam(schedule),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    rng = np.random.default_rng(SEED)
    for epoch in range(EPOCHS):
        log = model.fit(_augmented(images.x, rng), images.y, batch_size=BATCH, verbose=0)
        accuracy = log.history["accuracy"][-1]
        print(f"epoch {epoch + 1} of {EPOCHS}: {accuracy:.4f}", file=sys.stderr, flush=True)
    return model


def _augmented(x: Array, rng: np.random.Generator) -> Array:
    """Each image shifted by at most 4 pixels over its mirrored border, half of them flipped."""
    padded = np.pad(x, ((0, 0), (4, 4), (4, 4), (0, 0)), mode="reflect")
    shifts = rng.integers(0, 9, size=(len(x), 2))
    flips = np.where(rng.random(len(x)) < 0.5, -1, 1)
    out = np.empty_like(x)
    for place, ((down, right), flip) in enumerate(zip(shifts, flips, strict=True)):
        out[place] = padded[place, down : down + 32, right : right + 32][:, ::flip]
    return out


def rescaled(model: Any, a: float, *, only: str = "", seed: int = SEED) -> Any:
    """Channels times exp(U(-a, a)), undone in the next layer: the same function in floats.

    Every pair of a layer and the next, or the one that begins at the layer ``only``.
    """
    import keras

    copy = keras.models.clone_model(model)
    copy.set_weights(model.get_weights())
    rng = np.random.default_rng(seed)
    weighty = [layer for layer in copy.layers if hasattr(layer, "kernel")]
    for first, second in itertools.pairwise(weighty):
        norm = copy.get_layer(f"{first.name}_norm")
        scale = np.exp(rng.uniform(-a, a, size=norm.gamma.shape)).astype(np.float32)
        if only not in ("", first.name):
            continue
        norm.gamma.assign(norm.gamma * scale)
        norm.beta.assign(norm.beta * scale)
        shape = [1] * second.kernel.ndim
        shape[-2] = len(scale)  # the channels it takes, in all three kinds
        second.kernel.assign(second.kernel / scale.reshape(shape))
    return copy


def accuracy(outputs: Array, labels: Array) -> float:
    """In points of a hundred."""
    return 100 * float((outputs.argmax(axis=-1) == labels).mean())


def add_work(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--work", type=Path, default=DEFAULT_WORK, metavar="DIR")


def main() -> None:
    parser = argparse.ArgumentParser(description="Train the shared MobileNet-like net, or find it.")
    add_work(parser)
    work = parser.parse_args().work
    model, test = trained_mobile_net(work), cifar10("test")
    outputs = model.predict(test.x, batch_size=256, verbose=0)
    print(f"{model.name}: {model.count_params()} parameters, {accuracy(outputs, test.y):.2f} %")


if __name__ == "__main__":
    main()

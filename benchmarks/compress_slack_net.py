"""Half the latency of a net with slack: a residual net of 380 k parameters, trained here.

    EDGEWRIGHT_REAL=DIR python benchmarks/compress_slack_net.py [--seeds 0 1] [--without-amx]

The net is trained once for each seed (cifar10_train20k, flips and crops) and kept under
``--work``; then cut to half its int8 latency as in ``compress_channels`` (it needs no fine-tuning
before), beside the net itself fine-tuned for as many epochs. To reach: half the latency of the
original int8, at most 1 point under that control.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from compress_channels import (
    LANES,
    Epochs,
    Study,
    add_arguments,
    control,
    cut_and_train,
    flips_and_crops,
    lines,
    prepare,
    print_lines,
    real,
    setting,
)
from compress_nets import cifar10

STAGES = ((24, 1), (48, 2), (96, 2))  # channels, stride of the first block; two blocks each
EPOCHS, BATCH, RATE = 12, 64, 2e-3
RATIO, FASTER, POINTS = 0.52, 2.0, 1.0  # a little more than half, for the measured noise


def residual_net() -> Any:
    """Two blocks a stage behind a stem of stride 2: 3 x 4 convolutions, 0.38 M parameters."""
    import keras

    layers = keras.layers

    def normed(x: Any, channels: int, stride: int = 1) -> Any:
        x = layers.Conv2D(channels, 3, strides=stride, padding="same", use_bias=False)(x)
        return layers.BatchNormalization()(x)

    given = keras.Input((32, 32, 3), name="image")
    x = layers.Rescaling(1 / 127.5, -1.0)(given)
    x = layers.ReLU()(normed(x, STAGES[0][0], 2))
    for channels, first in STAGES:
        for stride in (first, 1):
            y = normed(layers.ReLU()(normed(x, channels, stride)), channels)
            if x.shape[-1] != channels:
                x = layers.Conv2D(channels, 1, strides=stride, padding="same")(x)
            x = layers.ReLU()(layers.Add()([x, y]))
    x = layers.GlobalAveragePooling2D()(x)
    outputs = layers.Dense(10, activation="softmax", name="scores")(x)
    return keras.Model(given, outputs, name="residual")


def trained(work: Path, seed: int, epochs: int) -> Path:
    """Trained with the loop that the steps use: a run that was cut short goes on."""
    import keras

    from edgewright_converters.compression.context import Context, Items
    from edgewright_converters.compression.training import FinetunePlan, fit

    path = work / f"residual-{seed}.keras"
    if path.exists():
        return path
    keras.utils.set_random_seed(seed)
    images = cifar10("train20k", centred=False)
    plan = FinetunePlan(epochs=epochs, batch_size=BATCH, learning_rate=RATE, warmup_steps=300)
    context = Context(
        train=Items(inputs={"image": images.x}, labels=images.y),
        held_back=None,
        original=None,
        folder=work / f"residual-{seed}",
        seed=seed,
        augment=flips_and_crops,
    )
    context.folder.mkdir(parents=True, exist_ok=True)
    model = fit(residual_net(), plan, context).model
    model.save(work / f"residual-{seed}.partial.keras")
    (work / f"residual-{seed}.partial.keras").replace(path)
    return path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    add_arguments(parser, Epochs(before=0, cut=10, qat=2))
    parser.add_argument("--train-epochs", type=int, default=EPOCHS, help="of the net itself")
    parser.set_defaults(seeds=[0, 1])
    args = parser.parse_args()
    prepare(args)
    epochs = Epochs(before=args.epochs[0], cut=args.epochs[1], qat=args.epochs[2])
    found, words = [], {}
    for seed in args.seeds:
        study = Study(
            model=trained(args.work, seed, args.train_epochs),
            bundle=args.work / f"residual-channels-{seed}",
            data=str(real("data/cifar10_train20k.npz")),
            check=str(real("data/cifar10_test.npz")),
            seed=seed,
        )
        searched = {"trials": args.trials, "multiple": LANES}
        by_time = cut_and_train("latency", RATIO, epochs, **searched)
        cut = study.compress("latency", by_time)
        tuned = study.compress("control", control(epochs))
        if args.train_only:
            continue
        seen = lines(study, [tuned, cut], args.preset)
        found.append(seen)
        lost = seen[tuned].accuracy - seen[cut].accuracy
        reached = seen[cut].faster >= FASTER and lost <= POINTS
        words[seed] = (
            f"{seen[cut].faster:.2f} x the original int8, {lost:.2f} points under the control:"
            f" {'reached' if reached else 'NOT reached'}"
        )
    if args.train_only:
        return
    print("## Half the latency of a net with slack\n")
    print(f"{setting(args, epochs)}, the net itself {args.train_epochs}\n")
    print_lines(found)
    for seed, line in words.items():
        print(f"- seed {seed}: {line}")


if __name__ == "__main__":
    main()

"""A MobileNet brought over from Keras 2, cut without labels: two thirds of its operations.

    EDGEWRIGHT_REAL=DIR python benchmarks/compress_vww.py [--seeds 3] [--items 4000] [--work DIR]

Visual wake words, 96 x 96. It learns from the model as it was on CIFAR images scaled up, no label
is read; then both name the class of the 117 images of vww_coco128 that are scored elsewhere, never
trained on. To reach: multiply-accumulates at most two thirds, the same class on 85 % or more.
The interval is Wilson's, 95 %. The largest difference of any score shows whether what went was of
any use: many channels of this net are dead.
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from compress_channels import AUGMENT, importable, real
from compress_nets import add_work
from machine import describe_machine

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

RATIO, EPOCHS, ITEMS = 0.334, 3, 4000
AGREEMENT, Z = 0.85, 1.96


def learnt_from(work: Path, items: int) -> Path:
    """CIFAR images without their labels."""
    import numpy as np

    path = work / f"cifar-{items}.npz"
    if not path.exists():
        work.mkdir(parents=True, exist_ok=True)
        with np.load(real("data/cifar10_train20k.npz"), allow_pickle=False) as data:
            partial = work / "cifar.partial.npz"
            np.savez(partial, allow_pickle=False, x=data["x"][:items])
        partial.replace(path)
    return path


def scored() -> Array:
    """The 117 images whose label is sure, as the model takes them."""
    import numpy as np

    with np.load(real("data/vww_coco128.npz"), allow_pickle=False) as data:
        area = data["person_area"]
        return data["x"][(area == 0) | (area > 0.005)].astype(np.float32) / 255


def compressed(work: Path, data: Path, seed: int, epochs: int, ratio: float) -> tuple[Any, Any]:
    """The compressed model and its record. Taken from ``work`` where it is done already."""
    from compress_channels import table

    from edgewright.verbs.compress import Settings, compress
    from edgewright_converters.compression.stages import load_model

    work.mkdir(parents=True, exist_ok=True)
    recipe = work / f"vww-{seed}.toml"
    plan = {"epochs": epochs, "teacher": "original"}
    cut = {"kind": "prune-channels", "objective": "macs", "ratio": ratio, "finetune": plan}
    recipe.write_text(table("steps", cut, many=True))
    settings = Settings(
        data=str(data),
        held_back=0.05,
        formats=("tflite",),
        seed=seed,
        preprocess={"resize": [96, 96], "scale": "1/255"},
        augment=AUGMENT,
    )
    out = work / f"vww-channels-{seed}"
    result = compress(real("mlperf_tiny/vww_96.h5"), recipe=recipe, out=out, settings=settings)
    if result.compressed is None:
        raise SystemExit("; ".join(failure.error for failure in result.failures) or 130)
    return load_model((out / result.compressed.model).parent), result.compressed.records[0]


def wilson(hits: int, items: int) -> tuple[float, float]:
    """Wilson 1927, score interval of a proportion."""
    share, spread = hits / items, Z * Z / items
    centre = (share + spread / 2) / (1 + spread)
    half = Z / (1 + spread) * math.sqrt(share * (1 - share) / items + spread / (4 * items))
    return centre - half, centre + half


def main() -> None:
    from edgewright_converters.sources import open_source

    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    add_work(parser)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--items", type=int, default=ITEMS, help="images to learn from")
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--ratio", type=float, default=RATIO, help="of the operations, to remove")
    args = parser.parse_args()
    importable()
    data, x = learnt_from(args.work, args.items), scored()
    original = open_source(real("mlperf_tiny/vww_96.h5")).as_keras()
    scores = original.predict(x, verbose=0)
    rows = []
    for seed in range(args.seeds):
        model, record = compressed(args.work, data, seed, args.epochs, args.ratio)
        given = model.predict(x, verbose=0)
        hits = int((given.argmax(axis=-1) == scores.argmax(axis=-1)).sum())
        low, high = wilson(hits, len(x))
        macs = record.after.macs / record.before.macs
        reached = macs <= 2 / 3 and hits / len(x) >= AGREEMENT
        rows.append(
            f"| {seed} | {macs:.3f} | {record.after.parameters / record.before.parameters:.3f}"
            f" | {hits} of {len(x)} | {100 * hits / len(x):.1f} ({100 * low:.1f} to"
            f" {100 * high:.1f}) | {abs(given - scores).max():.1e}"
            f" | {record.seconds:.0f} | {'yes' if reached else 'NO'} |"
        )
    print("## Visual wake words, cut without labels\n")
    print(f"{describe_machine('tensorflow')}; {args.items} images, {args.epochs} epochs\n")
    print("| seed | operations | parameters | same class | % (95 %) | differs | s | reached |")
    print("|---|---|---|---|---|---|---|---|")
    print("\n".join(rows))


if __name__ == "__main__":
    main()

"""Pruned by half and clustered to 16 values, then int8: how small when zipped, and how right.

    EDGEWRIGHT_REAL=DIR python benchmarks/compress_cluster.py [--seeds 3] [--epochs 5] [--work DIR]

ResNet8 through ``edgewright compress``, a bundle for each seed under ``--work``: what is done there
is not done again. The net is fine-tuned, pruned and clustered, for ``--epochs`` each; the model
that goes into a step teaches it beside the labels. The control (``finetune``, int8) trains for as
many epochs as all three. Accuracy is of the int8 TFLite files on cifar10_test; zipped is DEFLATE,
level 6.

To reach: zipped at most 0.55 x of the plain int8 file, at most 2 points under the control.
"""

from __future__ import annotations

import argparse
import os
import statistics
import zlib
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

from compress_channels import Study, importable, real
from compress_nets import add_work
from machine import describe_machine

SMALLER, POINTS = 0.55, 2.0
PLAIN = "tflite-int8"
BOTH = ("prune-cluster", "prune-cluster-scaled")  # of which one is to get there
INT8 = {"kind": "quantize", "schemes": ["int8"]}


def recipes(epochs: int) -> dict[str, list[Any]]:
    """``control`` has no compression."""
    tuned = {"kind": "finetune", "epochs": epochs}
    plan = {"epochs": epochs, "learning_rate": 2e-3, "teacher": "labels+before"}
    prune = {"kind": "prune", "sparsity": 0.5, "finetune": plan}
    cluster = {"kind": "cluster", "number_of_clusters": 16, "finetune": plan}
    scaled = {**cluster, "channel_scale": True, "cluster_centroids_init": "linear"}
    return {
        "control": [{**tuned, "epochs": 3 * epochs}, INT8],
        "prune": [tuned, prune, INT8],
        "prune-cluster": [tuned, prune, cluster, INT8],
        "prune-cluster-scaled": [tuned, prune, scaled, INT8],
    }


def zipped(path: Path) -> int:
    return len(zlib.compress(path.read_bytes(), 6))


def measure(study: Study, epochs: int) -> dict[str, tuple[int, int, float]]:
    """Bytes, bytes zipped and accuracy in points, by row."""
    from edgewright.bundle import Bundle

    made = {name: study.compress(name, steps) for name, steps in recipes(epochs).items()}
    names = {"plain int8": PLAIN, **made}
    scores = study.accuracies(list(names.values()))
    bundle = Bundle.open(study.bundle)
    files = {a.name: bundle.model_file(a) for a in bundle.artifacts()}
    return {
        row: (files[name].stat().st_size, zipped(files[name]), scores[name])
        for row, name in names.items()
    }


def print_table(found: list[dict[str, tuple[int, int, float]]]) -> None:
    print("| int8 file | bytes | zipped | x plain | accuracy % | under the control | |")
    print("|---|---|---|---|---|---|---|")
    for row in found[0]:
        size, packed, score = (statistics.mean(f[row][i] for f in found) for i in range(3))
        ratio = packed / statistics.mean(f["plain int8"][1] for f in found)
        lost = statistics.mean(f["control"][2] - f[row][2] for f in found)
        spread = statistics.stdev(f[row][2] for f in found) if len(found) > 1 else 0.0
        reached = ratio <= SMALLER and lost <= POINTS
        words = ("reached" if reached else "NOT reached") if row in BOTH else ""
        cells = [f"{size:,.0f}", f"{packed:,.0f}", f"{ratio:.2f}", f"{score:.2f} +- {spread:.2f}"]
        print(f"| {row} | {' | '.join(cells)} | {lost:.2f} | {words} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    add_work(parser)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--data", default="", help="to train on; cifar10_train20k if not given")
    args = parser.parse_args()
    importable()
    found = []
    for seed in range(args.seeds):
        study = Study(
            model=real("mlperf_tiny/pretrainedResnet.h5"),
            bundle=args.work / f"resnet8-taught-cluster-{args.epochs}-{seed}",
            data=args.data or str(real("data/cifar10_train20k.npz")),
            check=str(real("data/cifar10_test.npz")),
            seed=seed,
        )
        found.append(measure(study, args.epochs))
    print("## Pruned and clustered ResNet8, int8, zipped\n")
    words = f"{args.epochs} epochs each step, {args.seeds} seeds"
    print(f"{describe_machine('tensorflow', 'ai-edge-litert')}; {words}\n")
    print_table(found)


if __name__ == "__main__":
    main()

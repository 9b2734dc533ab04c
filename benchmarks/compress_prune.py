"""Pruned ResNet8 beside the fine-tuned original, and beside TFMOT 0.8.1 on the same batches.

    EDGEWRIGHT_REAL=DIR EDGEWRIGHT_TFMOT_PYTHON=PYTHON python benchmarks/compress_prune.py
        [--seeds 3] [--epochs 5] [--items 20000] [--batch-size 64] [--rate 1e-3] [--work DIR]

Every row, the control ``finetune`` and TFMOT's among them, trains by the same plan: as many epochs
of batches as large, Adam at the same rate on a cosine, flips and crops, from the same weights. The
last epoch counts: none is chosen on the test images. A row that is done is taken from ``--work``,
and one that was cut short goes on at its last whole epoch. PYTHON has
tensorflow-model-optimization 0.8.1; without it its rows are left out.

To reach: 50 % and 2:4 at most 1.0 point under the control and not below TFMOT by more than both
spreads; 80 % over all layers at most 4 points under it.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

from compress_channels import flips_and_crops, real
from compress_nets import accuracy, add_work, cifar10
from machine import describe_machine

MODEL = "mlperf_tiny/pretrainedResnet.h5"
OURS = ("finetune", "prune50", "prune2of4", "prune80global")  # labels of steps
THEIRS = ("plain", "prune50", "prune2of4")
WITHIN = {"prune50": 1.0, "prune2of4": 1.0, "prune80global": 4.0}  # points under the control
Scores = dict[str, list[float]]


@dataclass(frozen=True, kw_only=True)
class Setting:
    seed: int
    epochs: int
    items: int
    batch: int
    rate: float
    work: Path

    def folder(self, tool: str, mode: str) -> Path:
        plan = f"{self.epochs}x{self.items}-{self.batch}-{self.rate:g}"
        return self.work / "compress-prune" / f"{tool}-{mode}-{plan}-{self.seed}"

    @property
    def plan(self) -> dict[str, Any]:
        """The ``finetune`` table."""
        sizes = {"epochs": self.epochs, "batch_size": self.batch}
        return {**sizes, "learning_rate": self.rate, "keep_best": False}


def trained(label: str, setting: Setting) -> float:
    """Accuracy in points of ResNet8 after the step ``label``, on cifar10_test."""
    folder = setting.folder("ours", label)
    done = folder / "accuracy.json"
    if not done.exists():
        print(f"{folder.name} ...", file=sys.stderr, flush=True)
        model, test = apply_step(label, setting, folder), cifar10("test", centred=False)
        outputs = model.predict(test.x, batch_size=256, verbose=0)
        write(done, accuracy(outputs, test.y))
    return float(json.loads(done.read_text()))


def apply_step(label: str, setting: Setting, folder: Path) -> Any:
    from edgewright_converters.compression.catalogue import step_module
    from edgewright_converters.compression.context import Context, Items
    from edgewright_converters.compression.recipe import parse_name, read_params
    from edgewright_converters.sources import open_source

    model = open_source(real(MODEL)).as_keras()
    images = cifar10("train20k", centred=False)
    train = Items(
        inputs={model.inputs[0].name: images.x[: setting.items]}, labels=images.y[: setting.items]
    )
    step = parse_name(label)[0]
    plan = setting.plan
    table = {**step.params, **(plan if label == "finetune" else {"finetune": plan})}
    context = Context(
        train=train,
        held_back=None,
        original=model,
        folder=folder,
        seed=setting.seed,
        augment=flips_and_crops,
    )
    result = step_module(step.kind).apply(model, read_params(step.kind, table), context)
    return result.model


def peer(mode: str, setting: Setting, python: str) -> float:
    """The same of TFMOT."""
    done = setting.folder("tfmot", mode) / "accuracy.json"
    if not done.exists():
        print(f"{done.parent.name} ...", file=sys.stderr, flush=True)
        found = run_peer(
            python,
            mode,
            setting.epochs,
            setting.items,
            setting.seed,
            augment=True,
            batch=setting.batch,
            rate=setting.rate,
        )
        write(done, found["accuracy"])
    return float(json.loads(done.read_text()))


def run_peer(
    python: str, mode: str, epochs: int, items: int, seed: int, *, augment: bool, **more: Any
) -> dict[str, Any]:
    job = {"model": str(real(MODEL)), "mode": mode, "epochs": epochs, "items": items}
    job |= {"seed": seed, "augment": augment, **more}
    argv = [python, str(Path(__file__).with_name("compress_tfmot.py")), json.dumps(job)]
    done = subprocess.run(argv, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def write(path: Path, value: float) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"partial-{path.name}")
    partial.write_text(json.dumps(value))
    partial.replace(path)


def print_table(ours: Scores, theirs: Scores) -> None:
    print("| step | accuracy % | under the control | TFMOT % | to reach | |")
    print("|---|---|---|---|---|---|")
    for label, scores in ours.items():
        beside = theirs.get("plain" if label == "finetune" else label, [])
        lost = statistics.mean(ours["finetune"]) - statistics.mean(scores)
        limit = WITHIN.get(label)
        words = "" if limit is None else verdict(lost <= limit, scores, beside)
        most = "control" if limit is None else f"{limit:.1f}"
        cells = [label, spread(scores), f"{lost:.2f}", spread(beside), most, words]
        print(f"| {' | '.join(cells)} |")


def verdict(near: bool, ours: Sequence[float], theirs: Sequence[float]) -> str:
    """Below the peer counts only beyond what the seeds of both spread."""
    apart = sum(statistics.stdev(s) for s in (ours, theirs) if len(s) > 1)
    below = bool(theirs) and statistics.mean(ours) < statistics.mean(theirs) - apart
    return "reached" if near and not below else "NOT reached"


def spread(values: Sequence[float]) -> str:
    """Mean and standard deviation over the seeds."""
    if not values:
        return ""
    mean = f"{statistics.mean(values):.2f}"
    return mean if len(values) == 1 else f"{mean} +- {statistics.stdev(values):.2f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    add_work(parser)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--items", type=int, default=20_000)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--rate", type=float, default=1e-3, help="the first learning rate")
    args = parser.parse_args()
    python = os.environ.get("EDGEWRIGHT_TFMOT_PYTHON")
    ours: Scores = {label: [] for label in OURS}
    theirs: Scores = {mode: [] for mode in THEIRS if python}
    for seed in range(args.seeds):
        setting = Setting(
            seed=seed,
            epochs=args.epochs,
            items=args.items,
            batch=args.batch_size,
            rate=args.rate,
            work=args.work,
        )
        for label, scores in ours.items():
            scores.append(trained(label, setting))
        for mode, scores in theirs.items():
            scores.append(peer(mode, setting, str(python)))
    print("## Pruning ResNet8\n")
    words = f"{args.epochs} epochs of {args.items} images, batches of {args.batch_size},"
    words += f" rate {args.rate:g}, {args.seeds} seeds"
    print(f"{describe_machine('tensorflow', 'keras')}; {words}\n")
    print_table(ours, theirs)


if __name__ == "__main__":
    main()

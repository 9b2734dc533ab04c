"""Process CPU time of a training step: what pruning and ``qat`` cost beside plain training.

    EDGEWRIGHT_REAL=DIR EDGEWRIGHT_TFMOT_PYTHON=PYTHON python benchmarks/compress_step_time.py
        [--rounds 5] [--epochs 3] [--items 2560] [--work DIR]

ResNet8, batches of 64 images without augmentation, the same order and seed for both. Each round
runs every row of both tools once, in a random order, each in a fresh process; a round's ratio is
that of a tool's row to its own plain row of that round. The first epoch of a process, with its
tracing, does not count. A round that is done is taken from ``--work``.

To reach: at most TFMOT's ratio, which was 1.17 for pruning and 1.26 for quantization-aware
training when it was first measured.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

from compress_channels import real
from compress_nets import add_work, cifar10
from compress_prune import MODEL, run_peer
from machine import describe_machine

STEPS = {"plain": "finetune", "prune50": "prune", "prune2of4": "prune", "qat": "qat"}
ROWS = tuple((tool, mode) for tool in ("ours", "tfmot") for mode in STEPS)
Round = dict[str, float]  # milliseconds by "tool mode"


def ours(mode: str, epochs: int, items: int, seed: int) -> float:
    """Milliseconds of CPU per step, in this process: the median of the epochs but the first."""
    from edgewright_converters.compression.catalogue import step_module
    from edgewright_converters.compression.context import Context, Items, Progress
    from edgewright_converters.compression.recipe import parse_name, read_params
    from edgewright_converters.sources import open_source

    model = open_source(real(MODEL)).as_keras()
    images = cifar10("train20k", centred=False)
    train = Items(inputs={model.inputs[0].name: images.x[:items]}, labels=images.y[:items])
    kind = STEPS[mode]
    plan = {"epochs": epochs, "keep_best": False}
    named = {} if mode == "plain" else dict(parse_name(mode)[0].params)
    table = plan if mode == "plain" else {**named, "finetune": plan}
    per_epoch = items // 64
    at: dict[int, float] = {}

    def tell(progress: Progress) -> None:
        if progress.total == epochs * per_epoch and progress.done % per_epoch == 0:
            at.setdefault(progress.done, time.process_time())

    with tempfile.TemporaryDirectory() as folder:
        context = Context(
            train=train,
            held_back=None,
            original=model,
            folder=Path(folder),
            seed=seed,
            tell=tell,
        )
        step_module(kind).apply(model, read_params(kind, table), context)
    spent = [b - a for a, b in itertools.pairwise(at.values())]
    return statistics.median(spent) / per_epoch * 1e3


def measure(tool: str, mode: str, args: argparse.Namespace, seed: int) -> float:
    if tool == "tfmot":
        python = os.environ["EDGEWRIGHT_TFMOT_PYTHON"]
        found = run_peer(python, mode, args.epochs, args.items, seed, augment=False)
        return statistics.median(found["steps_ms"])
    argv = [sys.executable, __file__, "--one", mode, "--seed", str(seed)]
    argv += ["--epochs", str(args.epochs), "--items", str(args.items)]
    done = subprocess.run(argv, stdout=subprocess.PIPE, text=True, check=True)
    return float(done.stdout.splitlines()[-1])


def one_round(number: int, args: argparse.Namespace) -> Round:
    done = args.work / "compress-step-time" / f"{args.epochs}x{args.items}-{number}.json"
    found: Round = json.loads(done.read_text()) if done.exists() else {}
    rows = [row for row in ROWS if row[0] == "ours" or "EDGEWRIGHT_TFMOT_PYTHON" in os.environ]
    for tool, mode in random.Random(number).sample(rows, len(rows)):
        if f"{tool} {mode}" in found:
            continue
        print(f"round {number + 1}: {tool} {mode} ...", file=sys.stderr, flush=True)
        found[f"{tool} {mode}"] = measure(tool, mode, args, number)
        done.parent.mkdir(parents=True, exist_ok=True)
        done.write_text(json.dumps(found))
    return found


def print_table(rounds: list[Round]) -> None:
    print("| training | ours ms | TFMOT ms | ours x plain | TFMOT x plain | |")
    print("|---|---|---|---|---|---|")
    for mode in STEPS:
        cells: list[Any] = [mode]
        ratios = {}
        for tool in ("ours", "tfmot"):
            times = [r[f"{tool} {mode}"] for r in rounds if f"{tool} {mode}" in r]
            ratios[tool] = [
                r[f"{tool} {mode}"] / r[f"{tool} plain"] for r in rounds if f"{tool} {mode}" in r
            ]
            cells.append(f"{statistics.median(times):.1f}" if times else "")
        cells += [spread(ratios[tool]) for tool in ("ours", "tfmot")]
        cells.append("" if mode == "plain" or not ratios["tfmot"] else verdict(**ratios))
        print(f"| {' | '.join(cells)} |")


def verdict(ours: list[float], tfmot: list[float]) -> str:
    return "reached" if statistics.median(ours) <= statistics.median(tfmot) else "NOT reached"


def spread(ratios: list[float]) -> str:
    if not ratios:
        return ""
    return f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    add_work(parser)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--items", type=int, default=2560)
    parser.add_argument("--one", choices=STEPS, help="one row of ours in this process")
    parser.add_argument("--seed", type=int, default=0, help="of that row")
    args = parser.parse_args()
    if args.one:
        print(ours(args.one, args.epochs, args.items, args.seed))
        return
    rounds = [one_round(number, args) for number in range(args.rounds)]
    print("## CPU time of a training step, ResNet8\n")
    words = f"{args.rounds} rounds, {args.epochs - 1} x {args.items // 64} steps each"
    print(f"{describe_machine('tensorflow', 'keras')}; {words}\n")
    print_table(rounds)


if __name__ == "__main__":
    main()

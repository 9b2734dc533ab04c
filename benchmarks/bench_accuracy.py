"""``bench``'s median against ``litert-benchmark`` and against a bare loop, rounds interleaved.

    python benchmarks/bench_accuracy.py [--rounds 16] [--seconds 1]

To reach: within 3 % of ``litert-benchmark`` on models of 2 ms or more, within 3 % of a bare loop
(set_tensor, invoke, get_tensor of the interpreter) below. Each round takes the models in a random
order and runs every tool on one, in a random order too, each in a fresh process with one thread: so
the two that are compared stand side by side. What is printed is the median over the rounds of the
ratio of their medians, with the interval that ``bench`` has for its own median (99 %).
The bare loop takes as many inputs in turn as ``bench`` does, as an app would.
``litert-benchmark`` times ``run`` alone (its input stays in place) and rounds to 0.01 ms.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path

import numpy as np
from machine import describe_machine

from edgewright.settings import Settings
from edgewright.targets.local import LocalTarget
from edgewright_runtimes.statistics.median import median_interval

FOLDER = Path(__file__).parents[1] / ".cache" / "bench-models"
NETS = ("dense", "conv32", "conv96", "conv160")
PEER_FROM_NS = 2_000_000
TO_REACH = 0.03

MAKE = """
import sys
import tensorflow as tf
from tf_keras import Input, Sequential, layers
conv = lambda n, s=1: layers.Conv2D(n, 3, s, activation="relu")
nets = {
    "dense": [Input((32,)), layers.Dense(64, activation="relu"), layers.Dense(10)],
    "conv32": [Input((32, 32, 3)), conv(16, 2), conv(32, 2), layers.Flatten(), layers.Dense(10)],
    "conv96": [Input((96, 96, 3)), conv(24, 2), conv(48), conv(48, 2), layers.Dense(10)],
    "conv160": [Input((160, 160, 3)), conv(32, 2), conv(48), conv(64, 2), layers.Dense(10)],
}
for name, parts in nets.items():
    net = Sequential(parts)
    shape = [1, *net.input_shape[1:]]
    run = tf.function(lambda x: net(x)).get_concrete_function(tf.TensorSpec(shape))
    file = open(f"{sys.argv[1]}/{name}.tflite", "wb")
    file.write(tf.lite.TFLiteConverter.from_concrete_functions([run], net).convert())
    file.close()
"""

BARE = """
import gc, sys
from itertools import cycle, islice
from time import perf_counter_ns as clock
import numpy as np
from ai_edge_litert.interpreter import Interpreter
path, seconds = sys.argv[1], float(sys.argv[2])
net = Interpreter(path, num_threads=1)
net.allocate_tensors()
source, target = net.get_input_details()[0], net.get_output_details()[0]
into, out_of = source["index"], target["index"]
xs = np.random.default_rng(0).standard_normal((8, *source["shape"])).astype(np.float32)
turn = cycle(list(xs))
def calls(count):
    items = list(islice(turn, count))
    start = clock()
    for x in items:
        net.set_tensor(into, x)
        net.invoke()
        net.get_tensor(out_of)
    return (clock() - start) / count
calls(16)
count = max(1, int(100_000 / calls(16)))
gc.disable()
end = clock() + int(0.2 * seconds * 1e9)
while clock() < end:
    calls(count)
end, times = clock() + int(seconds * 1e9), []
while clock() < end:
    times.append(calls(count))
print(float(np.median(times)))
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=1.0, help="of each tool in each round")
    args = parser.parse_args()
    models = make_models()
    tools = {"bench": ours, "litert-benchmark": peer, "bare loop": bare}
    medians: dict[tuple[str, str], list[float]] = {(m, t): [] for m in models for t in tools}
    with tempfile.TemporaryDirectory() as folder:
        typical = {name: bare(path, 0.5, Path(folder), 0.0) for name, path in models.items()}
        for _ in range(args.rounds):
            for name in random.sample(list(models), len(models)):
                for tool in random.sample(list(tools), len(tools)):
                    took = tools[tool](models[name], args.seconds, Path(folder), typical[name])
                    medians[name, tool].append(took)
    print(describe_machine("ai-edge-litert", "numpy"))
    print(f"{args.rounds} rounds, {args.seconds:g} s each\n")
    print("| model | bench | litert-benchmark | bare loop | bench against | ratio (99 %) | |")
    print("|---|---|---|---|---|---|---|")
    for name in models:
        print(row(name, {tool: medians[name, tool] for tool in tools}))


def make_models() -> dict[str, Path]:
    paths = {name: FOLDER / f"{name}.tflite" for name in NETS}
    if not all(path.exists() for path in paths.values()):
        FOLDER.mkdir(parents=True, exist_ok=True)
        argv = [sys.executable, "-c", MAKE, str(FOLDER)]
        subprocess.run(argv, check=True, stderr=subprocess.DEVNULL)
    return paths


def ours(path: Path, seconds: float, folder: Path, typical: float) -> float:
    """The worker's samples of one round, through the target that ``bench`` uses."""
    samples = folder / "samples.npy"
    job = {
        "job": "bench",
        "artifact": str(path),
        "runtime": "litert",
        "threads": 1,
        "seconds": seconds,
        "samples": 1,
        "samples_file": str(samples),
    }
    target = LocalTarget("local", Settings())
    with closing(target.start("litert", folder=folder, limit_seconds=60)) as worker:
        rows = {str(row["row"]): row for row in worker.rows(job)}
    steady = np.load(samples)[rows["samples"]["warmup_samples"] :]
    return float(np.median(steady)) / int(rows["samples"]["calls_per_sample"])


def peer(path: Path, seconds: float, folder: Path, typical: float) -> float:
    result = folder / "peer.json"
    runs = max(10, int(seconds * 1e9 / typical))
    argv = [str(Path(sys.executable).with_name("litert-benchmark")), "--model", str(path)]
    argv += ["--num_runs", str(runs), "--warmup_runs", str(max(10, runs // 5))]
    argv += ["--num_threads", "1", "--result_json", str(result)]
    subprocess.run(argv, check=True, capture_output=True)
    return float(json.loads(result.read_text())["latency"]["median_ms"]) * 1e6


def bare(path: Path, seconds: float, folder: Path, typical: float) -> float:
    argv = [sys.executable, "-c", BARE, str(path), str(seconds)]
    done = subprocess.run(argv, check=True, capture_output=True, text=True)
    return float(done.stdout)


def row(name: str, medians: dict[str, list[float]]) -> str:
    centre = {tool: float(np.median(values)) for tool, values in medians.items()}
    against = "litert-benchmark" if centre["bare loop"] >= PEER_FROM_NS else "bare loop"
    ratios = [a / b for a, b in zip(medians["bench"], medians[against], strict=True)]
    ratio, interval = float(np.median(ratios)), median_interval(ratios)
    verdict = "within 3 %" if abs(ratio - 1) <= TO_REACH else "NOT within 3 %"
    verdict += f", {(ratio - 1) * centre[against] / 1e3:+.2f} us a call"
    shown = "" if interval is None else f" ({interval[0]:.3f} to {interval[1]:.3f})"
    times = " | ".join(
        "< 0.01 ms" if not centre[t] else f"{centre[t] / 1e6:.4g} ms"
        for t in ("bench", "litert-benchmark", "bare loop")
    )
    return f"| {name} | {times} | {against} | {ratio:.3f}{shown} | {verdict} |"


if __name__ == "__main__":
    main()

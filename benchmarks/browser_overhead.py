"""What one more artifact costs a sweep in a browser: its page, its load, its answers.

    python benchmarks/browser_overhead.py [chromium|firefox] [--repeats 15]

To reach: at most 1.5 s, with the runtime `null`, which computes nothing: all that remains is the
harness. A round is a fresh context and page; the answers on the goldens are asked in the one page
that a sweep keeps for them, another artifact each time. A sweep of the preset has several rounds of
each artifact, and each of them costs a page: the last row says what that comes to.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

from machine import describe_machine

from edgewright.accuracy.outputs import Workers
from edgewright.settings import Settings
from edgewright.targets.browser.target import BrowserTarget, open_target
from edgewright.targets.target import Worker
from edgewright_runtimes.statistics import PRESETS
from edgewright_runtimes.timing import WARMUP_SHARE

NET = Path(__file__).parents[1] / "tests" / "browser" / "net"
ARTIFACTS = ("onnx-float32.onnx", "onnx-int8.onnx", "tflite-float32.tflite", "tflite-int8.tflite")
ROUND_SECONDS = 0.2
LIMIT_SECONDS = 120.0
TO_REACH_SECONDS = 1.5


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("browser", nargs="?", default="chromium")
    parser.add_argument("--repeats", type=int, default=15)
    args = parser.parse_args()
    target = open_target(f"browser:{args.browser}", Settings())
    with closing(target), tempfile.TemporaryDirectory() as folder:
        target.probe()  # the browser runs
        work = Path(folder)
        rounds = [_round(target, work, i) for i in range(args.repeats)]
        with Workers(target, work, limit_seconds=LIMIT_SECONDS) as workers:
            answers = [_answers(workers, work, i) for i in range(args.repeats + 1)][1:]
        version = target.browser.version
    print(f"{describe_machine('playwright')}; {args.browser} {version}; {args.repeats} times\n")
    return _print(rounds, answers)


def _print(rounds: list[float], answers: list[float]) -> int:
    page, asked = statistics.median(rounds), statistics.median(answers)
    reached = page + asked <= TO_REACH_SECONDS
    verdict = f"at most {TO_REACH_SECONDS:g} s: {'reached' if reached else 'NOT reached'}"
    quick = PRESETS["quick"].rounds
    print("| what | median s | longest s | |\n|---|---|---|---|")
    for what, taken in (
        ("a round: page, load, environment, samples brought back", rounds),
        ("answers on the goldens: load, outputs", answers),
    ):
        print(f"| {what} | {statistics.median(taken):.2f} | {max(taken):.2f} | |")
    print(
        f"| one more artifact: a page, its load, its goldens | {page + asked:.2f} | | {verdict} |"
    )
    print(
        f"| in a sweep `quick`: {quick} rounds and the goldens | {quick * page + asked:.1f} | | |"
    )
    return 0 if reached else 1


def _round(target: BrowserTarget, work: Path, number: int) -> float:
    """Seconds of a round, without those that were asked for."""
    times = {"seconds": ROUND_SECONDS, "samples": 1, "seed": 0, "sensor_seconds": 0.0}
    files = {"feeds": str(_inputs(work)), "samples_file": str(work / "samples.npy")}
    start = time.perf_counter()
    with closing(target.start("null", folder=work, limit_seconds=LIMIT_SECONDS)) as worker:
        _do(worker, {"job": "bench", **_common(number), **times, **files})
    return time.perf_counter() - start - ROUND_SECONDS * (1 + WARMUP_SHARE)


def _answers(workers: Workers, work: Path, number: int) -> float:
    files = {"inputs": str(_inputs(work)), "outputs": str(work / "outputs.npz")}
    start = time.perf_counter()
    _do(workers.worker("null"), {"job": "predict", **_common(number), **files})
    return time.perf_counter() - start


def _do(worker: Worker, job: dict[str, object]) -> None:
    *_, last = worker.rows(job)
    if last["row"] != "done":
        raise SystemExit(f"the job {job['job']} failed: {last}")


def _common(number: int) -> dict[str, object]:
    artifact = NET / ARTIFACTS[number % len(ARTIFACTS)]
    return {"artifact": str(artifact.resolve()), "runtime": "null", "threads": 1}


def _inputs(work: Path) -> Path:
    import numpy as np

    path = work / "inputs.npz"
    if not path.exists():
        with np.load(NET / "golden.npz", allow_pickle=False) as golden:
            np.savez(path, x=golden["input/x"])
    return path


if __name__ == "__main__":
    sys.exit(main())

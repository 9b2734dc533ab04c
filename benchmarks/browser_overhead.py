"""What one more artifact costs a sweep in a browser: its page, its load, its answers.

python benchmarks/browser_overhead.py [chromium|firefox] [REPEATS]

The runtime is `null`, which computes nothing: all that remains is the harness.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

from sdk_models import describe_machine

from edgewright.settings import Settings
from edgewright.targets.browser.target import BrowserTarget, open_target
from edgewright_runtimes.timing import WARMUP_SHARE

NET = Path(__file__).parents[1] / "tests" / "browser" / "net"
ROUND_SECONDS = 0.2
LIMIT_SECONDS = 120.0


def main() -> None:
    name = sys.argv[1] if len(sys.argv) > 1 else "chromium"
    repeats = int(sys.argv[2]) if len(sys.argv) > 2 else 20
    target = open_target(f"browser:{name}", Settings())
    with closing(target), tempfile.TemporaryDirectory() as folder:
        target.probe()  # the browser runs
        work = Path(folder)
        rounds = [_seconds(target, _bench(work), work) for _ in range(repeats)]
        answers = [_seconds(target, _predict(work), work) for _ in range(repeats)]
        version = target.browser.version
    timed = ROUND_SECONDS * (1 + WARMUP_SHARE)
    print(f"{name} {version}; {describe_machine()}; {repeats} times\n")
    print("| what | median s | longest s |\n|---|---|---|")
    for what, taken in (
        ("a round: page, load, environment, samples", [s - timed for s in rounds]),
        ("answers on the goldens: page, load, outputs", answers),
    ):
        print(f"| {what} | {statistics.median(taken):.2f} | {max(taken):.2f} |")
    both = statistics.median(rounds) - timed + statistics.median(answers)
    print(f"| one more artifact: both | {both:.2f} | |")


def _seconds(target: BrowserTarget, job: dict[str, object], work: Path) -> float:
    start = time.perf_counter()
    with closing(target.start("null", folder=work, limit_seconds=LIMIT_SECONDS)) as worker:
        last = [row["row"] for row in worker.rows(job)][-1]
    if last != "done":
        raise SystemExit(f"the job {job['job']} failed")
    return time.perf_counter() - start


def _common() -> dict[str, object]:
    artifact = str((NET / "onnx-float32.onnx").resolve())
    return {"artifact": artifact, "runtime": "null", "threads": 1}


def _bench(work: Path) -> dict[str, object]:
    times = {"seconds": ROUND_SECONDS, "samples": 1, "seed": 0, "sensor_seconds": 0.0}
    files = {"feeds": str(_inputs(work)), "samples_file": str(work / "samples.npy")}
    return {"job": "bench", **_common(), **times, **files}


def _predict(work: Path) -> dict[str, object]:
    files = {"inputs": str(_inputs(work)), "outputs": str(work / "outputs.npz")}
    return {"job": "predict", **_common(), **files}


def _inputs(work: Path) -> Path:
    import numpy as np

    path = work / "inputs.npz"
    if not path.exists():
        with np.load(NET / "golden.npz", allow_pickle=False) as golden:
            np.savez(path, x=golden["input/x"])
    return path


if __name__ == "__main__":
    main()

"""Threads that were asked for against threads in force, in an isolated page and in one that is not.

    python benchmarks/browser_threads.py [chromium firefox] [--threads 1,2,4] [--seconds 0.3]

Each row is a round of the product in a fresh page: what the runtime then really runs with, and the
reason that the row itself gives where it is fewer. The page that is not isolated is the same page
from the same server, which leaves out the two headers that isolate it, as a host does that knows
nothing of them. To reach: wherever fewer are in force than asked for, the row says so and why.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from machine import describe_machine

from edgewright.settings import Settings
from edgewright.targets.browser.target import BrowserTarget, open_target
from edgewright.targets.web import site
from edgewright.targets.web.headers import HEADERS

NET = Path(__file__).parents[1] / "tests" / "browser" / "net"
FILES = {
    "tfjs-wasm": "tfjs-float32/model.json",
    "ort-web-wasm": "onnx-float32.onnx",
    "litertjs-wasm": "tflite-float32.tflite",
}
ISOLATING = ("Cross-Origin-Opener-Policy", "Cross-Origin-Embedder-Policy")
LIMIT_SECONDS = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """``in_force`` is the row's own word; ``failure`` where there is none."""

    where: str
    runtime: str
    asked: int
    in_force: Mapping[str, str]
    median_ms: float | None
    failure: str = ""

    @property
    def said(self) -> bool:
        """Whether a reader of the row learns of fewer threads than asked for, and why."""
        if self.failure:
            return True  # that is told, and counted for itself
        fewer = int(self.in_force["threads"]) < self.asked
        return not fewer or bool(self.in_force.get("why_no_threads"))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("browsers", nargs="*", default=["chromium", "firefox"])
    parser.add_argument("--threads", default="1,2,4")
    parser.add_argument("--seconds", type=float, default=0.3, help="of each row")
    args = parser.parse_args()
    asked = [int(word) for word in args.threads.split(",")]
    lines, versions = [], []
    for name in args.browsers:
        for isolated in (True, False):
            with _serving(isolated), closing(open_target(f"browser:{name}", Settings())) as target:
                versions.append(f"{name} {target.browser.version}")
                where = f"{name}, {'isolated' if isolated else 'not isolated'}"
                lines += _measure(target, where, asked, args.seconds)
    print(f"{describe_machine('playwright')}; {', '.join(dict.fromkeys(versions))}\n")
    return _print(lines)


@contextmanager
def _serving(isolated: bool) -> Iterator[None]:
    """The product's server with all its headers, or without those that isolate."""
    whole = site.HEADERS
    if not isolated:
        site.HEADERS = {k: v for k, v in HEADERS.items() if k not in ISOLATING}
    try:
        yield
    finally:
        site.HEADERS = whole


def _measure(target: BrowserTarget, where: str, asked: list[int], seconds: float) -> Iterator[Line]:
    with tempfile.TemporaryDirectory() as folder:
        for runtime in FILES:
            for threads in asked:
                print(f"{where}: {runtime} x{threads}", file=sys.stderr, flush=True)
                yield _round(target, where, runtime, threads, seconds, Path(folder))


def _round(
    target: BrowserTarget, where: str, runtime: str, threads: int, seconds: float, work: Path
) -> Line:
    samples = work / "samples.npy"
    job = {
        "job": "bench",
        "artifact": str((NET / FILES[runtime]).resolve()),
        "runtime": runtime,
        "threads": threads,
        "feeds": "",
        "seconds": seconds,
        "samples": 1,
        "samples_file": str(samples),
        "seed": 0,
        "sensor_seconds": 0.0,
    }
    with closing(target.start(runtime, folder=work, limit_seconds=LIMIT_SECONDS)) as worker:
        rows = {str(row["row"]): row for row in worker.rows(job)}
    in_force = rows["loaded"]["in_force"] if "loaded" in rows else {}
    if "failure" in rows:
        words = f"{rows['failure']['stage']}: {rows['failure']['error']}"
        return Line(
            where=where,
            runtime=runtime,
            asked=threads,
            in_force=in_force,
            median_ms=None,
            failure=words,
        )
    found = rows["samples"]
    steady = np.load(samples)[found["warmup_samples"] :]
    median = float(np.median(steady)) / found["calls_per_sample"] / 1e6
    return Line(where=where, runtime=runtime, asked=threads, in_force=in_force, median_ms=median)


def _print(lines: list[Line]) -> int:
    print(f"This machine has {os.cpu_count()} cores.\n")
    print("| page | runtime | asked | in force | reason in the row | clock step | median | |")
    print("|---|---|---|---|---|---|---|---|")
    for line in lines:
        force = line.in_force
        why = line.failure or force.get("why_no_threads", "")
        step = f"{force['timer_step_us']} us" if "timer_step_us" in force else ""
        median = "" if line.median_ms is None else f"{line.median_ms:.3g} ms"
        said = "" if line.said else "no reason"
        print(
            f"| {line.where} | {line.runtime} | {line.asked} | {force.get('threads', '-')} | {why} "
            f"| {step} | {median} | {said} |"
        )
    silent = sum(not line.said for line in lines)
    failed = sum(bool(line.failure) for line in lines)
    wrong = silent + failed
    verdict = "NOT reached" if wrong else "reached"
    counted = f"{silent} of {len(lines)}, {failed} failed"
    print(f"\nFewer than asked for and no reason: {counted}: {verdict}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

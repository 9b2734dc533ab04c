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
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from browser_round import Round, run_round
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    where: str
    runtime: str
    asked: int
    found: Round

    @property
    def said(self) -> bool:
        """Whether a reader of the row learns of fewer threads than asked for, and why."""
        if self.found.failure:
            return True  # that is told, and counted for itself
        fewer = int(self.found.in_force["threads"]) < self.asked
        return not fewer or bool(self.found.in_force.get("why_no_threads"))


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
        for runtime, file in FILES.items():
            for threads in asked:
                print(f"{where}: {runtime} x{threads}", file=sys.stderr, flush=True)
                found = run_round(
                    target, NET / file, runtime,
                    threads=threads, seconds=seconds, work=Path(folder),
                )  # fmt: skip
                yield Line(where=where, runtime=runtime, asked=threads, found=found)


def _print(lines: list[Line]) -> int:
    print(f"This machine has {os.cpu_count()} cores.\n")
    print("| page | runtime | asked | in force | reason in the row | clock step | median | |")
    print("|---|---|---|---|---|---|---|---|")
    for line in lines:
        force, median_ns = line.found.in_force, line.found.median_ns
        why = line.found.failure or force.get("why_no_threads", "")
        step = f"{force['timer_step_us']} us" if "timer_step_us" in force else ""
        median = "" if median_ns is None else f"{median_ns / 1e6:.3g} ms"
        said = "" if line.said else "no reason"
        print(
            f"| {line.where} | {line.runtime} | {line.asked} | {force.get('threads', '-')} | {why} "
            f"| {step} | {median} | {said} |"
        )
    silent = sum(not line.said for line in lines)
    failed = sum(bool(line.found.failure) for line in lines)
    wrong = silent + failed
    verdict = "NOT reached" if wrong else "reached"
    counted = f"{silent} of {len(lines)}, {failed} failed"
    print(f"\nFewer than asked for and no reason: {counted}: {verdict}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

"""``bench``'s median in a browser against the runtime's own loop in a bare page, interleaved.

    python benchmarks/browser_loop.py [chromium|firefox] [--rounds 12] [--threads 1]

To reach: within 3 %, or within one step of the browser's clock a call. The bare page is a few lines
of HTML with the runtime's own files from npm, as its documentation has them: it loads the model,
and times calls with their outputs read back, one group of calls after the other, on the page's own
thread; no worker, no server that listens, nothing of ours. Both get the same file, the same inputs
in turn, the same number of threads, an isolated page, in the same browser. Each round takes model,
runtime and which goes first in a random order. What is printed is the median over the rounds of the
ratio of their medians, with the interval that ``bench`` has for its own median (99 %).

The runtimes' files are those of ``runtimes/web/node_modules`` (``make install``). ResNet8 needs
EDGEWRIGHT_REAL.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import tempfile
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from browser_bare import BareServer
from browser_round import LIMIT_SECONDS, run_round
from machine import describe_machine

from edgewright.settings import Settings
from edgewright.targets.browser.target import BrowserTarget, open_target
from edgewright_runtimes.contract import read_contract
from edgewright_runtimes.statistics.median import median_interval

NET = Path(__file__).parents[1] / "tests" / "browser" / "net"
RUNTIMES = {"tfjs-wasm": "tfjs", "ort-web-wasm": "onnx", "litertjs-wasm": "tflite"}
ITEMS = 8
TO_REACH = 0.03


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One model in one runtime; ``file`` is what both load, ``items`` float32 [8, ...]."""

    model: str
    runtime: str
    file: Path
    input: str
    items: np.ndarray


@dataclass(slots=True, kw_only=True)
class Found:
    """Nanoseconds a call, one a round."""

    ours: list[float] = field(default_factory=list)
    bare: list[float] = field(default_factory=list)
    threads: str = ""
    step_ns: float = 0.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("browser", nargs="?", default="chromium")
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=1.0, help="of each in each round")
    parser.add_argument("--models", default="small,resnet8")
    args = parser.parse_args()
    cases = [case for model in args.models.split(",") for case in _cases(model)]
    target = open_target(f"browser:{args.browser}", Settings())
    found = [Found() for _ in cases]
    with closing(target), BareServer() as server, tempfile.TemporaryDirectory() as folder:
        for number in range(args.rounds):
            print(f"round {number + 1} of {args.rounds}", file=sys.stderr, flush=True)
            for i in random.sample(range(len(cases)), len(cases)):
                for tool in random.sample((_ours, _bare), 2):
                    tool(cases[i], found[i], target, server, Path(folder), args)
        version = target.browser.version
    print(f"{describe_machine('playwright')}; {args.browser} {version}; {args.rounds} rounds\n")
    print("| model | runtime | threads | bench | bare loop | ratio (99 %) | |")
    print("|---|---|---|---|---|---|---|")
    reached = [_print(case, one) for case, one in zip(cases, found, strict=True)]
    return 0 if all(reached) else 1


def _ours(
    case: Case,
    found: Found,
    target: BrowserTarget,
    server: BareServer,
    work: Path,
    args: argparse.Namespace,
) -> None:
    feeds = work / "feeds.npz"
    np.savez(feeds, **{case.input: case.items})
    got = run_round(
        target, case.file, case.runtime,
        threads=args.threads, seconds=args.seconds, work=work, feeds=feeds,
    )  # fmt: skip
    if got.median_ns is None:
        raise SystemExit(f"{case.model} in {case.runtime}: {got.failure}")
    found.ours.append(got.median_ns)
    found.threads = got.in_force["threads"]
    found.step_ns = float(got.in_force["timer_step_us"]) * 1e3


def _bare(
    case: Case,
    found: Found,
    target: BrowserTarget,
    server: BareServer,
    work: Path,
    args: argparse.Namespace,
) -> None:
    job = {"input": case.input, "threads": args.threads, "seconds": args.seconds}
    url = server.publish(case.file, case.items, case.runtime, job)
    with closing(target.browser.open_page(url)):
        found.bare.append(server.median_ns(limit_seconds=LIMIT_SECONDS))


def _cases(model: str) -> list[Case]:
    if model == "small":
        with np.load(NET / "golden.npz", allow_pickle=False) as golden:
            items = np.resize(golden["input/x"], (ITEMS, *golden["input/x"].shape[1:]))
        names = ("tfjs-float32/model.json", "onnx-float32.onnx", "tflite-float32.tflite")
        files = dict(zip(("tfjs", "onnx", "tflite"), (NET / n for n in names), strict=True))
    else:
        files, items = _real(model)
    return [
        Case(
            model=model,
            runtime=runtime,
            file=files[format_],
            input=_input(files[format_]),
            items=np.ascontiguousarray(items, np.float32),
        )
        for runtime, format_ in RUNTIMES.items()
    ]


def _real(model: str) -> tuple[dict[str, Path], np.ndarray]:
    import browser_bundles

    from edgewright.bundle import Bundle

    made = browser_bundles.make(model)
    bundle = Bundle.open(made.bundle)
    files = {f: bundle.model_file(bundle.artifact(f"{f}-float32")) for f in RUNTIMES.values()}
    return files, np.load(made.data)["x"][:ITEMS]


def _input(file: Path) -> str:
    """The name of the only input, from the contract inside the file."""
    contract = read_contract(file)
    if contract is None:
        raise SystemExit(f"{file} has no contract")
    (spec,) = contract.inputs
    return spec.name


def _print(case: Case, found: Found) -> bool:
    ratios = [a / b for a, b in zip(found.ours, found.bare, strict=True)]
    ratio, interval = statistics.median(ratios), median_interval(ratios)
    ours, bare = statistics.median(found.ours), statistics.median(found.bare)
    apart_ns = abs(ratio - 1) * bare
    close, unseen = abs(ratio - 1) <= TO_REACH, apart_ns <= found.step_ns
    words = "within 3 %" if close else f"within a step of the clock ({found.step_ns / 1e3:g} us)"
    said = f"{words}: reached" if close or unseen else "within 3 %: NOT reached"
    shown = "" if interval is None else f" ({interval[0]:.3f} to {interval[1]:.3f})"
    print(
        f"| {case.model} | {case.runtime} | {found.threads} | {ours / 1e6:.4g} ms "
        f"| {bare / 1e6:.4g} ms | {ratio:.3f}{shown} | {said}, {(ratio - 1) * bare / 1e3:+.1f} us |"
    )
    return close or unseen


if __name__ == "__main__":
    sys.exit(main())

"""``edgewright explain``."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edgewright.verbs.explain import Explanation

SUMMARY = "Say why an artifact is not faster, with evidence from the file and a profile run."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "artifact", type=Path, metavar="FILE|BUNDLE/NAME", help=".tflite, .onnx, or one of a bundle"
    )
    parser.add_argument("--threads", type=int, default=1, help="of the profile run (1)")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")


def run(args: argparse.Namespace) -> int:
    from edgewright.verbs.explain import as_plain, explain

    explanation = explain(args.artifact, threads=args.threads)
    if args.json:
        print(json.dumps(as_plain(explanation), indent=1, ensure_ascii=False, allow_nan=False))
    else:
        _print(explanation)
    return 0


def _print(explanation: Explanation) -> None:
    from edgewright.text_table import one_line

    profile = explanation.profile
    whole = "" if profile.whole_ns is None else f", {profile.whole_ns / 1000:.1f} us a call"
    threads = f"{profile.threads} thread{'s' if profile.threads > 1 else ''}"
    print(one_line(f"{explanation.path}: {profile.runtime}, {threads}{whole}"))
    print(f"delegate: {profile.delegate}; processor: {' '.join(explanation.cpu) or 'unknown'}")
    total = sum(op.ns or 0.0 for op in profile.ops) / 1000
    measured = f"shares are {profile.how}, {total:.1f} us"
    print(f"{measured if profile.measured else 'share not measured: shares are of the MACs'}\n")
    _print_slowest(explanation)
    print()
    if not explanation.findings:
        print("no rule found a reason: it runs as fast as this runtime runs these operations")
    for f in explanation.findings:
        what = f"{f.rule}: {f.op} of {f.layer}" if f.layer else f"{f.rule}: {f.op}".rstrip(": ")
        print(one_line(f"{_percent(f.share):>6}  {what}: {f.why}"))
        print(one_line(f"        -> {f.do}"))


def _print_slowest(explanation: Explanation) -> None:
    from edgewright.explanations.rules import slowest
    from edgewright.text_table import print_table

    profile = explanation.profile
    rows = [
        (
            op.op,
            op.layer or op.name,
            op.precision,
            f"{op.macs:,}" if op.macs else "",
            "" if op.ns is None else f"{op.ns / 1000:.1f}",
            _percent(profile.share(op)),
        )
        for op in slowest(profile)
    ]
    print_table(("op", "layer", "precision", "MACs", "us", "share"), rows)


def _percent(share: float | None) -> str:
    return "" if share is None else f"{share:.1%}"

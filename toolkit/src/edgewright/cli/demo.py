"""``edgewright demo``."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

SUMMARY = "Try the whole job on handwritten digits: train, convert, check, bench, report."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--out", type=Path, default=Path("edgewright-demo"), metavar="DIR", help="a new folder"
    )
    parser.add_argument("--json", action="store_true", help="print what came out as JSON")


def run(args: argparse.Namespace) -> int:
    from edgewright.cli.run import print_line
    from edgewright.demo.prepare import prepare
    from edgewright.verbs.run import run as run_plan

    if not args.json:
        print("training a small net on handwritten digits (scikit-learn's) ...", flush=True)
    result = run_plan(prepare(args.out), tell=None if args.json else print_line)
    if args.json:
        print(json.dumps(result.plain(), indent=1))
    return result.exit_code

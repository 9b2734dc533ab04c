"""``edgewright demo``."""

from __future__ import annotations

import argparse
from pathlib import Path

SUMMARY = "Try the whole job on handwritten digits: train, convert, check, bench, report."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--out", type=Path, default=Path("edgewright-demo"), metavar="DIR", help="a new folder"
    )


def run(args: argparse.Namespace) -> int:
    from edgewright.cli.run import print_line
    from edgewright.demo.prepare import prepare
    from edgewright.verbs.run import run as run_plan

    print("training a small net on handwritten digits (scikit-learn's) ...", flush=True)
    return run_plan(prepare(args.out), tell=print_line).exit_code

"""``edgewright gate``: stop a change that makes a model slower."""

from __future__ import annotations

import argparse
from pathlib import Path

from edgewright.cli.lists import names

SUMMARY = "Compare two bundles, and say no where an artifact became slower."
METRICS = ("latency", "instructions")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("base", type=Path, metavar="BASE", help="the bundle as it was, measured")
    parser.add_argument("new", type=Path, metavar="NEW", help="the same as it is now, measured")
    parser.add_argument(
        "--max-regression",
        default="2%",
        metavar="PERCENT",
        help="what an artifact may be slower (2%%)",
    )
    parser.add_argument(
        "--metric", choices=METRICS, help="only this one (both, where they were measured)"
    )
    parser.add_argument("--artifacts", default="", metavar="NAMES", help="names or schemes (all)")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")


def run(args: argparse.Namespace) -> int:
    from edgewright.regressions.shown import HEADINGS, as_json, cells, lines
    from edgewright.text_table import print_table
    from edgewright.verbs.gate import gate

    result = gate(
        args.base,
        args.new,
        max_regression=args.max_regression,
        metric=args.metric,
        artifacts=names(args.artifacts),
    )
    if args.json:
        print(as_json(result))
        return result.exit_code
    if result.rows:
        print_table(HEADINGS, [cells(row) for row in result.rows])
    for line in lines(result):
        print(line)
    return result.exit_code

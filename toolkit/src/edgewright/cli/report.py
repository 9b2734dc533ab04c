"""``edgewright report``."""

from __future__ import annotations

import argparse
from pathlib import Path

SUMMARY = "Write one self-contained HTML page of what the bundle holds."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("bundle", type=Path, metavar="DIR", help="a bundle made by convert")
    parser.add_argument("--out", type=Path, metavar="FILE", help="DIR/report.html by default")
    parser.add_argument("--title", default="", help="the page's title")
    parser.add_argument(
        "--json", action="store_true", help="write it, and print what it says as JSON"
    )


def run(args: argparse.Namespace) -> int:
    from edgewright.verbs.report import write_report

    path, facts = write_report(args.bundle, title=args.title, out=args.out)
    if args.json:
        from edgewright.reporting.as_json import as_json

        print(as_json(facts, report=path))
    else:
        print(path)
    return 0

"""``edgewright report``."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

SUMMARY = "Write one self-contained HTML page of what the bundle holds."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("bundle", type=Path, metavar="DIR", help="a bundle made by convert")
    parser.add_argument("--out", type=Path, metavar="FILE", help="DIR/report.html by default")
    parser.add_argument("--title", default="", help="the page's title")
    parser.add_argument("--json", action="store_true", help="print where it is as JSON")


def run(args: argparse.Namespace) -> int:
    from edgewright.verbs.report import report

    path = report(args.bundle, title=args.title, out=args.out)
    print(json.dumps({"report": str(path)}) if args.json else path)
    return 0

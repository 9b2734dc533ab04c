"""``edgewright run``."""

from __future__ import annotations

import argparse
from pathlib import Path

from edgewright.text_table import one_line

SUMMARY = "Do the whole job of a plan: convert, check, bench, report."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("plan", type=Path, metavar="PLAN.toml")
    parser.add_argument("--init", action="store_true", help="write a commented plan there")
    parser.add_argument("--force", action="store_true", help="build again what is built")
    parser.add_argument("--json", action="store_true", help="print what came out as JSON")


def print_line(line: str) -> None:
    print(one_line(line), flush=True)


def run(args: argparse.Namespace) -> int:
    import json
    import shlex

    if args.init:
        from edgewright.verbs.run import init_plan

        init_plan(args.plan)
        print(f"{args.plan}: written; edit it, then: edgewright run {shlex.quote(str(args.plan))}")
        return 0
    from edgewright.verbs.run import run as run_plan

    result = run_plan(args.plan, force=args.force, tell=None if args.json else print_line)
    if args.json:
        print(json.dumps(result.plain(), indent=1))
    return result.exit_code

"""``edgewright doctor``."""

from __future__ import annotations

import argparse

SUMMARY = "Say what is installed, what is missing, and what to type."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--target",
        default="",
        metavar="NAMES",
        help="look at boards (ssh:DEVICE, @FLEET) and browsers (browser:NAME), not at this machine",
    )
    parser.add_argument(
        "--make",
        metavar="RUNTIME",
        help="make the environment of a runtime that needs one of its own: tflite-runtime",
    )
    parser.add_argument("--json", action="store_true", help="print the findings as JSON")


def run(args: argparse.Namespace) -> int:
    from edgewright.text_table import one_line
    from edgewright.verbs.doctor import doctor, make_environment

    if args.make:
        print(f"{args.make}: {make_environment(args.make)}")
        return 0
    findings = doctor(args.target)
    if args.json:
        import json
        from dataclasses import asdict

        print(json.dumps([asdict(f) for f in findings], indent=1))
        return 0
    width = max(24, *(len(f.what) for f in findings))
    for f in findings:
        advice = f"  -> {f.advice}" if f.advice else ""
        print(one_line(f"{f.state:8} {f.what:{width}} {f.detail}{advice}"))
    return 0

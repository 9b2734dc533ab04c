"""``edgewright check``."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from edgewright.cli.counting import counting
from edgewright.cli.lists import DATA, names
from edgewright.cli.targets import (
    RUNTIMES,
    add_target_arguments,
    browser_options,
    page_options,
)

if TYPE_CHECKING:
    from edgewright.accuracy.results import CheckResult

SUMMARY = "Compare every artifact's accuracy with the source's on the same items; decide gates."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("bundle", type=Path, metavar="DIR", help="a bundle made by convert")
    parser.add_argument(
        "--data",
        required=True,
        help=DATA,
    )
    parser.add_argument(
        "--metric",
        action="append",
        default=[],
        metavar="NAME",
        help="accuracy, top5, agreement, recall@CLASS, precision@CLASS, fnr@CLASS, fpr@CLASS, auc, "
        "mae, rmse, r2, reconstruction, or module:function; several by commas or given again",
    )
    parser.add_argument(
        "--gate",
        action="append",
        default=[],
        metavar="METRIC:DROP",
        help="the most it may get worse: points for proportions (accuracy:0.5), relative to the "
        "source for the rest (mae:5%%); several by commas or given again",
    )
    parser.add_argument("--max-drop", type=float, metavar="P", help="short for --gate accuracy:P")
    parser.add_argument(
        "--min-agreement", type=float, metavar="P", help="percent of answers equal to the source's"
    )
    parser.add_argument("--subset", type=int, metavar="N", help="only N items, drawn by a seed")
    parser.add_argument("--artifacts", default="", metavar="A,...", help="all by default")
    parser.add_argument("--runtime", metavar="NAMES", help=RUNTIMES)
    add_target_arguments(parser)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--source", type=Path, metavar="PATH", help="the model, where it moved")
    parser.add_argument("--json", action="store_true", help="print the results as JSON")


def run(args: argparse.Namespace) -> int:
    from edgewright.verbs.check import check

    result = check(
        args.bundle,
        data=args.data,
        metrics=names(",".join(args.metric)),
        gates=names(",".join(args.gate)),
        max_drop=args.max_drop,
        min_agreement=args.min_agreement,
        subset=args.subset,
        artifacts=names(args.artifacts),
        runtime=args.runtime,
        target=args.target,
        source=args.source,
        threads=args.threads,
        browser=browser_options(args),
        page=page_options(args),
        tell=counting("items", silent=args.json),
    )
    if args.json:
        from edgewright.accuracy.shown import as_plain

        print(json.dumps(as_plain(result), indent=1, ensure_ascii=False, allow_nan=False))
    else:
        _print(result)
    return result.exit_code


def _print(result: CheckResult) -> None:
    from edgewright.accuracy import shown
    from edgewright.text_table import print_table

    print(shown.headline(result))
    if result.results:
        head, *rows = shown.table(result)
        print_table(head, rows)
    for line in shown.remarks(result):
        print(line)

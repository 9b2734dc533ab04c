"""``edgewright sensitivity``."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from edgewright.cli.counting import counting
from edgewright.cli.lists import DATA, names

if TYPE_CHECKING:
    from edgewright.sensitivities.results import SensitivityResult, Trial

SUMMARY = "Show which tensor hurts when it alone is quantized, and which layer when it is pruned."
_SHOWN = 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", type=Path, help=".keras, .h5/.hdf5, or a SavedModel folder")
    parser.add_argument(
        "--data",
        required=True,
        help=DATA,
    )
    parser.add_argument("--format", default="tflite", help="tflite (default) or onnx")
    parser.add_argument("--what", default="", metavar="W,...", help="quantize,prune (both)")
    parser.add_argument(
        "--ratios", default="", metavar="R,...", help="of pruning: 0.3,0.5,0.7,0.9 by default"
    )
    parser.add_argument(
        "--metric", action="append", default=[], metavar="NAME", help="as check takes it"
    )
    parser.add_argument("--samples", type=int, default=256, help="items of the data (256)")
    parser.add_argument("--seed", type=int, default=0, help="of the draw of items (0)")
    parser.add_argument("--preprocess", type=Path, metavar="FILE", help="TOML")
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="keep every trial there, go on, and draw plots"
    )
    parser.add_argument("--signature", default="", metavar="NAME", help="of a SavedModel")
    parser.add_argument("--unsafe", action="store_true", help="run code that the model carries")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")


def run(args: argparse.Namespace) -> int:
    from edgewright.verbs.sensitivity import RATIOS, WHAT, sensitivity

    result = sensitivity(
        args.model,
        data=args.data,
        format=args.format,
        what=names(args.what) or WHAT,
        ratios=_numbers(args.ratios) or RATIOS,
        metrics=names(",".join(args.metric)),
        samples=args.samples,
        seed=args.seed,
        preprocess=args.preprocess,
        out=args.out,
        unsafe=args.unsafe,
        signature=args.signature,
        tell=counting("trials", silent=args.json),
    )
    if args.json:
        from edgewright.sensitivities.results import as_plain

        print(json.dumps(as_plain(result), indent=1, ensure_ascii=False, allow_nan=False))
    else:
        _print(result)
    return 0


def _numbers(text: str) -> list[float]:
    from edgewright_runtimes.errors import BadInput

    found = []
    for word in names(text):
        try:
            found.append(float(word))
        except ValueError:
            raise BadInput(f"--ratios has {word!r}, which is no number") from None
    return found


def _print(result: SensitivityResult) -> None:
    from edgewright.text_table import one_line, print_table

    head = result.head
    scores = ", ".join(f"{name} {value:.4f}" for name, value in head.scores.items())
    print(
        f"{head.format} float32, {head.items} items of {head.data}{': ' if scores else ''}{scores}"
    )
    for what in ("quantize", "prune"):
        trials = [trial for trial in result.trials if trial.what == what]
        if trials:
            metrics = list(head.scores)
            print()
            columns = ("tensor", "of", "SQNR dB", "points lost", *metrics)
            print_table(columns, [_cells(result, t, metrics) for t in trials[:_SHOWN]])
            if len(trials) > _SHOWN:
                print(f"and {len(trials) - _SHOWN} that hurt less")
    for warning in result.warnings:
        print(f"edgewright: warning: {one_line(warning)}", file=sys.stderr)
    if result.folder is not None:
        made = len(result.trials) - result.taken
        print(f"\n{result.folder}: {made} tried, {result.taken} already there")


def _cells(result: SensitivityResult, trial: Trial, metrics: list[str]) -> tuple[str, ...]:
    pruned = "" if trial.ratio is None else f" {trial.ratio:.0%}"
    changes = [_change(result, trial, name) for name in metrics]
    return (
        trial.layer or trial.tensor,
        f"{trial.kind}{pruned}",
        "same" if trial.sqnr_db is None else f"{trial.sqnr_db:.1f}",
        "" if trial.points_lost is None else f"{trial.points_lost:.2f}",
        *changes,
    )


def _change(result: SensitivityResult, trial: Trial, metric: str) -> str:
    if metric not in trial.scores:
        return ""
    return f"{trial.scores[metric] - result.head.scores[metric]:+.4f}"

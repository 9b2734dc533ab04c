"""``edgewright convert``."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from edgewright.cli.lists import names
from edgewright.text_table import one_line

if TYPE_CHECKING:
    from edgewright.conversion.builder import Outcome
    from edgewright.conversion.options import ConvertResult
    from edgewright_runtimes.records import Failure

SUMMARY = "Convert a trained model to TFLite, ONNX and TensorFlow.js, and verify each artifact."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", type=Path, help=".keras, .h5/.hdf5, or a SavedModel folder")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="the bundle")
    parser.add_argument("--formats", default="", metavar="F,...", help="tflite,onnx,tfjs (all)")
    parser.add_argument(
        "--variants",
        default="",
        metavar="V,...",
        help="schemes (int8: every format that has it) or whole names (tflite-int8); by default "
        "all: tflite float32, float16, dynamic, int8, int8-io, int16x8; onnx float32, float16, "
        "dynamic, int8; tfjs float32, float16, uint8, uint16",
    )
    parser.add_argument(
        "--calibrate",
        default="",
        metavar="DATA",
        help=".npz, a folder of class folders, .csv, or module:function",
    )
    parser.add_argument("--samples", type=int, default=256, help="calibration items (256)")
    parser.add_argument("--seed", type=int, default=0, help="of the calibration draw (0)")
    parser.add_argument(
        "--batch", type=_batch, default=None, metavar="N|dynamic", help="TFLite 1, others dynamic"
    )
    parser.add_argument(
        "--opset", type=int, default=None, help="ONNX: the lowest >= 17 that converts"
    )
    parser.add_argument(
        "--preprocess", type=Path, metavar="FILE", help="TOML; kept in the contract"
    )
    parser.add_argument("--labels", type=Path, metavar="FILE", help="one class name a line")
    parser.add_argument(
        "--signature", default="", metavar="NAME", help="of a SavedModel that has several"
    )
    parser.add_argument("--workers", type=int, default=1, help="converter processes (1)")
    parser.add_argument(
        "--force",
        action="store_true",
        help="build again what is built; begin a bundle of another model anew",
    )
    parser.add_argument("--unsafe", action="store_true", help="run code that the model carries")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")


def run(args: argparse.Namespace) -> int:
    from edgewright.verbs.convert import convert

    result = convert(
        args.model,
        out=args.out,
        formats=names(args.formats),
        variants=names(args.variants),
        calibrate=args.calibrate,
        samples=args.samples,
        seed=args.seed,
        batch=args.batch,
        opset=args.opset,
        preprocess=args.preprocess,
        labels=read_labels(args.labels),
        workers=args.workers,
        force=args.force,
        unsafe=args.unsafe,
        signature_name=args.signature,
        tell=silent if args.json else print_outcome,
    )
    if args.json:
        print(json.dumps(_plain(result), indent=1, ensure_ascii=False))
    else:
        _print_end(result)
    return result.exit_code


def _batch(word: str) -> int | Literal["dynamic"]:
    if word == "dynamic":
        return "dynamic"
    try:
        return int(word)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{word!r} is not a number, nor 'dynamic'") from None


def read_labels(path: Path | None) -> list[str]:
    from edgewright_runtimes.errors import BadInput

    if path is None:
        return []
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as e:
        raise BadInput(f"labels {path}: {e}", hint="a text file, one class name a line") from e
    return [line.strip() for line in lines if line.strip()]


def silent(_: Outcome) -> None:
    pass


def print_outcome(outcome: Outcome) -> None:
    for line in outcome_lines(outcome):
        print(one_line(line), flush=True)


def outcome_lines(outcome: Outcome) -> list[str]:
    """One artifact or failure as lines of text, its warnings below."""
    from edgewright_runtimes.records import Failure

    if isinstance(outcome, Failure):
        return [f"  {outcome.artifact:16} FAILED at {outcome.stage}: {_reason(outcome)}"]
    error = "" if outcome.max_error is None else f", off by {outcome.max_error:.1e} of the range"
    size = f"{outcome.size_bytes:,} B"
    first = f"  {outcome.name:16} {size:>14}  {outcome.verified}{error}"
    return [first, *(f"  {'':16} warning: {warning}" for warning in outcome.warnings)]


def _reason(failure: Failure) -> str:
    return f"{failure.error}; {failure.hint}" if failure.hint else failure.error


def _print_end(result: ConvertResult) -> None:
    for warning in result.warnings:
        print(f"edgewright: warning: {one_line(warning)}", file=sys.stderr)
    counts = f"{len(result.built)} built, {len(result.taken)} already there"
    print(f"{one_line(str(result.bundle))}: {counts}, {len(result.failures)} failed")


def _plain(result: ConvertResult) -> dict[str, object]:
    from edgewright.bundle import as_mapping

    return {
        "bundle": str(result.bundle),
        "built": [as_mapping(a) for a in result.built],
        "taken": [as_mapping(a) for a in result.taken],
        "failures": [as_mapping(f) for f in result.failures],
        "warnings": list(result.warnings),
        "exit_code": result.exit_code,
    }

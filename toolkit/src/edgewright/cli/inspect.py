"""``edgewright inspect``."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from edgewright.text_table import one_line, print_table

if TYPE_CHECKING:
    from edgewright.inspection.graph import Inspection
    from edgewright.verbs.inspect import Row

SUMMARY = "Show what is inside an artifact: contract, size, ops, parameters, precision."
_PARTLY = 3
_OPS = ("op", "precision", "count", "MACs")
_ROWS = ("artifact", "size", "zipped", "parameters", "MACs", "integer", "float", "contract")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "path",
        type=Path,
        metavar="FILE|DIR",
        help=".tflite, .onnx or TF.js model.json, whoever made it; or a bundle, or a folder",
    )
    parser.add_argument("--json", action="store_true", help="print the result as JSON")


def run(args: argparse.Namespace) -> int:
    from edgewright.inspection.graph import Inspection
    from edgewright.verbs.inspect import inspect

    found = inspect(args.path)
    if isinstance(found, Inspection):
        _print_file(found, as_json=args.json)
        return 0
    _print_folder(found, as_json=args.json)
    failed = sum(row.inspection is None for row in found)
    return 0 if not failed else 1 if failed == len(found) else _PARTLY


def _print_file(inspection: Inspection, *, as_json: bool) -> None:
    from edgewright.inspection.render import lines, plain

    if as_json:
        print(json.dumps(plain(inspection), indent=1))
        return
    for line in lines(inspection):
        print(one_line(line))
    rows = [
        (op.name, op.precision, f"{op.count:,}", f"{op.macs:,}" if op.macs else "")
        for op in inspection.ops
    ]
    if rows:
        print_table(_OPS, rows)


def _print_folder(rows: Sequence[Row], *, as_json: bool) -> None:
    from edgewright.inspection.render import plain

    if as_json:
        shown = [
            {"name": r.name, "error": r.error, **(plain(r.inspection) if r.inspection else {})}
            for r in rows
        ]
        print(json.dumps(shown, indent=1))
        return
    table = [_cells(r.name, r.inspection) for r in rows if r.inspection]
    if table:
        print_table(_ROWS, table)
    for row in rows:
        for warning in row.inspection.warnings if row.inspection else ():
            print(one_line(f"{row.name}: warning: {warning}"))
        if row.error:
            print(one_line(f"{row.name}: error: {row.error}"))


def _cells(name: str, i: Inspection) -> tuple[str, ...]:
    from edgewright.inspection.graph import FLOATS, is_integer

    integer = sum(op.count for op in i.ops if is_integer(op.precision))
    floats = sum(op.count for op in i.ops if op.precision.removesuffix(" weights") in FLOATS)
    mixed = sum(op.count for op in i.ops if op.precision.endswith(" weights"))
    return (
        name,
        f"{i.size_bytes:,}",
        f"{i.zipped_bytes:,}",
        f"{i.parameters:,}",
        f"{i.macs:,}" + (" + unknown" if i.unknown_macs else ""),
        str(integer),
        str(floats) + (f" + {mixed} on integer weights" if mixed else ""),
        i.contract.scheme if i.contract else "none",
    )

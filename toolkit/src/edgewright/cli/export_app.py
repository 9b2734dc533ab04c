"""``edgewright export-app``."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edgewright.verbs.export_app import ExportedApp

SUMMARY = "Write a static page that loads an artifact and does its job in any browser."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("bundle", type=Path, metavar="DIR", help="a bundle made by convert")
    parser.add_argument("--artifact", required=True, metavar="NAME", help="for example tflite-int8")
    parser.add_argument("--out", type=Path, required=True, metavar="SITE", help="a new folder")
    parser.add_argument("--title", default="", help="of the page (the source's name)")
    parser.add_argument(
        "--runtime",
        metavar="NAME",
        help="tfjs-cpu or tfjs-wasm; the other formats have one each",
    )
    parser.add_argument(
        "--pixels",
        metavar="BLACK:WHITE",
        help="raw values of black and white (0:255 or 0:1, by the goldens); 16:0 where ink is 16",
    )
    parser.add_argument(
        "--fields", type=Path, metavar="FILE", help="names for the boxes of the form, one a line"
    )
    parser.add_argument(
        "--no-goldens", action="store_true", help="keep the 8 golden items out: no self-test"
    )
    parser.add_argument(
        "--force",
        action="store_true",
        help="write among other files in SITE; they stay, and none may have a name of the site's",
    )
    parser.add_argument("--json", action="store_true", help="print the result as JSON")


def run(args: argparse.Namespace) -> int:
    from edgewright.verbs.export_app import export_app

    done = export_app(
        args.bundle,
        args.artifact,
        args.out,
        title=args.title,
        runtime=args.runtime,
        pixels=args.pixels,
        fields=args.fields,
        goldens=not args.no_goldens,
        force=args.force,
    )
    if args.json:
        print(json.dumps(_plain(done), indent=1))
    else:
        _print(done)
    return 0


def _plain(done: ExportedApp) -> dict[str, object]:
    return {
        "path": str(done.path),
        "artifact": done.artifact,
        "runtime": done.runtime,
        "kind": done.kind,
        "model_bytes": done.bytes_of("model"),
        "runtime_bytes": done.bytes_of("runtime"),
        "page_bytes": done.bytes_of("page"),
        "files": dict(done.files),
        "notes": list(done.notes),
    }


def _print(done: ExportedApp) -> None:
    model, runtime, page = (done.bytes_of(part) for part in ("model", "runtime", "page"))
    print(f"{done.path}: {done.artifact} on {done.runtime}, input by {_INPUT[done.kind]}")
    print(f"  page {page:,} B, model and goldens {model:,} B, runtime {runtime:,} B")
    for note in done.notes:
        print(f"  {note}")
    print(f"look at it: python -m http.server --directory {done.path} --bind 127.0.0.1 8000")


_INPUT = {"image": "file or camera", "form": "form"}

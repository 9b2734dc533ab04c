"""An app in the browser: handwritten digits, read on the visitor's own device.

    python examples/app_in_browser.py [--out FOLDER] [--format tflite] [--serve 8000]

Trains the net of ``edgewright demo`` on scikit-learn's digits, converts it to an artifact with
8-bit weights, and exports a static page that loads it. ``--serve`` shows the page on this machine
until Ctrl-C; any static host can have the folder ``site``.
"""

from __future__ import annotations

import argparse
import os
import sys
from contextlib import suppress
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

import edgewright
from edgewright.demo.prepare import prepare
from edgewright_runtimes.errors import EdgewrightError

ARTIFACTS = {"tflite": "tflite-int8", "onnx": "onnx-int8", "tfjs": "tfjs-uint8"}
INK_IS_16_ON_PAPER_OF_0 = (16.0, 0.0)  # raw values of black and of white


def serve(site: Path, port: int) -> None:
    handler = partial(SimpleHTTPRequestHandler, directory=str(site))
    with ThreadingHTTPServer(("127.0.0.1", port), handler) as server:
        print(f"http://127.0.0.1:{server.server_port}/ (Ctrl-C ends it)", flush=True)
        with suppress(KeyboardInterrupt):
            server.serve_forever()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("app-in-browser"))
    parser.add_argument("--format", choices=ARTIFACTS, default="tflite")
    parser.add_argument("--serve", type=int, metavar="PORT")
    asked = parser.parse_args()
    folder, name = asked.out, ARTIFACTS[asked.format]
    prepare(folder)
    made = edgewright.convert(
        folder / "model.keras",
        out=folder / "bundle",
        variants=[name],
        calibrate=str(folder / "train.npz"),
        preprocess={"scale": "1/16"},  # raw pixels of 0 to 16, declared once
        labels=[str(digit) for digit in range(10)],
    )
    if made.exit_code:
        return made.exit_code
    done = edgewright.export_app(
        folder / "bundle",
        name,
        folder / "site",
        title="Handwritten digits",
        pixels=INK_IS_16_ON_PAPER_OF_0,
    )
    page, model = (done.bytes_of(part) / 1000 for part in ("page", "model"))
    print(f"{done.path}: {name} on {done.runtime}; page {page:.0f} kB, model {model:.0f} kB")
    if asked.serve is not None:
        serve(done.path, asked.serve)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except EdgewrightError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_code)

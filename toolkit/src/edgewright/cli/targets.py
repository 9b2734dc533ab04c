"""Options that say where something runs: those of bench and check."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edgewright.targets.browser.options import BrowserOptions
    from edgewright.targets.page.options import PageOptions

RUNTIMES = (
    "several by commas; on this machine litert, tflite-runtime, onnxruntime; in a browser "
    "tfjs-cpu, tfjs-wasm, tfjs-webgl, tfjs-webgpu, ort-web-wasm, ort-web-webgpu, litertjs-wasm, "
    "litertjs-webgpu"
)


def add_target_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--target",
        default="local",
        help="where: local, browser:chromium, browser:firefox, ssh:NAME (a board), emulated:pi4, "
        "emulated:pi5, or page: any device that opens the address that is shown; several by "
        "commas (%(default)s)",
    )
    parser.add_argument(
        "--browser-path", type=Path, metavar="PATH", help="this program, not the one that is found"
    )
    parser.add_argument("--headed", action="store_true", help="show the browser's window")
    parser.add_argument(
        "--cpu-throttle",
        type=float,
        default=1.0,
        metavar="N",
        help="make the page N times slower (Chromium; its verdict is `throttled on purpose`)",
    )
    parser.add_argument(
        "--listen",
        default="",
        metavar="ADDRESS",
        help="of this machine, for --target page: 192.168.1.7 or 192.168.1.7:8443 (loopback)",
    )
    parser.add_argument(
        "--devices", type=int, default=1, metavar="N", help="that --target page waits for (1)"
    )


def browser_options(args: argparse.Namespace) -> BrowserOptions:
    from edgewright.targets.browser.options import BrowserOptions

    return BrowserOptions(
        path=args.browser_path, headed=args.headed, cpu_throttle=args.cpu_throttle
    )


def page_options(args: argparse.Namespace) -> PageOptions:
    from edgewright.targets.page import options

    return options.page_options(args.listen, args.devices)

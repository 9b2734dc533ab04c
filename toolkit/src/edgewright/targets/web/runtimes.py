"""The table of web runtimes: what runs in a page. The page has one module for each row.

To add one: write its module in ``runtimes/web``, add its row there and here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from edgewright_runtimes.errors import UnknownName
from edgewright_runtimes.records import FORMATS, Format

Needs = Literal["", "webgl", "webgpu"]


@dataclass(frozen=True, slots=True)
class WebRuntime:
    """One row: what it runs, and what the browser must have for it beside WebAssembly."""

    name: str
    formats: tuple[Format, ...]
    needs: Needs = ""

    @property
    def computes(self) -> bool:
        return self.name != "null"


WEB_RUNTIMES: Mapping[str, WebRuntime] = {
    row.name: row
    for row in (
        WebRuntime("tfjs-cpu", ("tfjs",)),
        WebRuntime("tfjs-wasm", ("tfjs",)),
        WebRuntime("tfjs-webgl", ("tfjs",), "webgl"),
        WebRuntime("tfjs-webgpu", ("tfjs",), "webgpu"),
        WebRuntime("ort-web-wasm", ("onnx",)),
        WebRuntime("ort-web-webgpu", ("onnx",), "webgpu"),
        WebRuntime("litertjs-wasm", ("tflite",)),
        WebRuntime("litertjs-webgpu", ("tflite",), "webgpu"),
        WebRuntime("null", FORMATS),
    )
}


def web_runtime(name: str) -> WebRuntime:
    """Raises ``UnknownName``."""
    try:
        return WEB_RUNTIMES[name]
    except KeyError:
        raise UnknownName("web runtime", name, WEB_RUNTIMES) from None


def takers(format_: Format) -> tuple[str, ...]:
    """The web runtimes that take this format, but ``null``."""
    return tuple(r.name for r in WEB_RUNTIMES.values() if format_ in r.formats and r.computes)

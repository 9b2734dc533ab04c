"""One call of a writer, as the tests of each of them make it."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

from tests.converters.nets import feeds_for

from edgewright_converters.formats.format import Calibration, WriteRequest, Written
from edgewright_runtimes.records import Variant


def write(
    writer: ModuleType,
    source: Any,
    folder: Path,
    scheme: str = "float32",
    *,
    batch: int | None = None,
    opset: int | None = None,
    calibrate: bool = True,
) -> Written:
    """``writer`` is a module of ``formats``; the calibration is of 16 random items."""
    return writer.write(
        source,
        WriteRequest(
            variant=Variant(format=writer.__name__.rpartition(".")[2], scheme=scheme),
            batch=batch,
            opset=opset,
            calibration=Calibration(feeds=feeds_for(source, items=16)) if calibrate else None,
        ),
        folder,
    )

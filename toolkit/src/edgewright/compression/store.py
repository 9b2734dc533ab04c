"""Compressed models inside a bundle.

compressed/<key>/model.keras, ranges.json, step.json    one step's result (``stages``)
compressed/<key>/compressed.json                        the last of a recipe: ``Compressed``
compressed/<key>/golden.npz                             what its artifacts are verified with
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from edgewright.atomic import write_text
from edgewright_converters.compression.stages import read_stage
from edgewright_runtimes.errors import BadInput
from edgewright_runtimes.record_json import from_json, to_json
from edgewright_runtimes.records import Compressed, StepRecord

if TYPE_CHECKING:
    from edgewright.bundle import Bundle

FOLDER, HEAD = "compressed", "compressed.json"


def stage_folder(bundle: Bundle, key: str) -> Path:
    return bundle.path / FOLDER / key


def read_step(folder: Path) -> StepRecord | None:
    """The record of a step that was done whole; ``None`` where it was not."""
    try:
        return read_stage(folder)
    except BadInput:
        return None  # damaged: it is done again


def add_compressed(bundle: Bundle, record: Compressed) -> None:
    """In place of an earlier one whose steps have the same labels, as its artifacts' names have."""
    for other in compressed_models(bundle):
        if other.key != record.key and _labels(other) == _labels(record):
            shutil.rmtree(stage_folder(bundle, other.key), ignore_errors=True)
    write_text(stage_folder(bundle, record.key) / HEAD, to_json(record) + "\n")


def _labels(record: Compressed) -> list[str]:
    return [done.step.label for done in record.records]


def compressed_models(bundle: Bundle) -> tuple[Compressed, ...]:
    """Those made from the bundle's source; a damaged one is in the bundle's problems."""
    source, found = bundle.source, []
    for path in sorted(bundle.path.glob(f"{FOLDER}/*/{HEAD}")):
        try:
            record = from_json(Compressed, path.read_bytes(), where=str(path))
        except (BadInput, OSError) as e:
            bundle.problems.append(str(e))
            continue
        if source is None or record.source_sha256 == source.sha256:
            found.append(record)
    return tuple(found)

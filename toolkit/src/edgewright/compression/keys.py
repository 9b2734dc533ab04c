"""The name of a model after some steps: the hash of all that decides what it is."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from functools import cache
from typing import TYPE_CHECKING

from edgewright.conversion.keys import source_hash, tool_versions

if TYPE_CHECKING:
    from edgewright.compression.options import CompressOptions
    from edgewright.compression.training_data import Split


def stage_keys(options: CompressOptions, split: Split | None) -> list[str]:
    """One key a step: each names the source, the steps up to it, the data and the tools."""
    convert = options.convert
    common = {
        "source": convert.source_sha256,
        "signature": convert.signature,
        "preprocess": convert.preprocess.to_dict(),
        "train": split.train.sha256 if split else "",
        "held_back": split.held_back.sha256 if split else "",
        "scored": split.scored.sha256 if split else "",
        "seed": convert.seed,
        "augment": options.augment,
        "tools": dict(tool_versions("tfjs")),  # the frameworks alone
        "code": compression_version(),
    }
    keys = []
    for count in range(1, len(options.steps) + 1):
        steps = [asdict(step) for step in options.steps[:count]]
        latency = any(step.params.get("objective") == "latency" for step in options.steps[:count])
        measured = f"{options.formats[0]} on {options.target}" if latency else ""
        text = json.dumps({**common, "steps": steps, "target": measured}, sort_keys=True)
        keys.append(hashlib.sha256(text.encode()).hexdigest()[:16])
    return keys


@cache
def compression_version() -> str:
    """A hash of the steps' own source: a change of a format's writer trains nothing again."""
    return source_hash("edgewright_converters.compression")

"""A runtime that computes nothing: what it takes is the harness's own cost."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from edgewright_runtimes.records import TensorSpec
from edgewright_runtimes.runtime import SessionOptions

if TYPE_CHECKING:
    from edgewright_runtimes.runtime import Arrays


class NullSession:
    """Takes any feeds, and gives them back under one name each. The file is never read."""

    inputs = (TensorSpec(name="x", dtype="float32", shape=(None, 4)),)
    outputs = (TensorSpec(name="x", dtype="float32", shape=(None, 4)),)

    def run(self, feeds: Arrays) -> Arrays:
        return {name: value.copy() for name, value in feeds.items()}

    def timed(self, feeds: Sequence[Arrays]) -> Callable[[], object]:
        def call() -> object:
            for feed in feeds:
                found = self.run(feed)
            return found

        return call

    def reset(self) -> None:
        """Nothing is kept."""

    def in_force(self) -> Mapping[str, str]:
        return {"runtime": "null", "threads": "0", "delegate": "none", "numpy": np.__version__}

    def close(self) -> None:
        """Nothing is held."""


def open_session(path: Path, *, options: SessionOptions) -> NullSession:
    return NullSession()

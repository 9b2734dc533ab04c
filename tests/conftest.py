"""What every test may ask for: real models by name, and a quiet TensorFlow."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")


@pytest.fixture
def real() -> Callable[[str], Path]:
    """A file of the collection of real models, or a skip that says which one is missing."""

    def path_of(name: str) -> Path:
        root = os.environ.get("EDGEWRIGHT_REAL")
        if not root:
            pytest.skip(f"real file absent: {name} (set EDGEWRIGHT_REAL)")
        path = Path(root) / name
        if not path.exists():
            pytest.skip(f"real file absent: {name} (set EDGEWRIGHT_REAL)")
        return path

    return path_of

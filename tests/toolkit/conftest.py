"""A tiny trained-like model and its data, made once; TensorFlow stays in the child processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

TINY = """
import sys, keras
keras.utils.set_random_seed(0)
keras.Sequential([
    keras.Input((8, 8, 1), name="image"),
    keras.layers.Conv2D(4, 3, activation="relu"),
    keras.layers.GlobalAveragePooling2D(),
    keras.layers.Dense(3, activation="softmax", name="kind"),
]).save(sys.argv[1])
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """A finished command line: its exit code and what it said."""

    code: int
    out: str
    err: str

    def json(self) -> dict[str, object]:
        return dict(json.loads(self.out))


Command = Callable[..., Ran]


def _command(*words: str | Path, cwd: Path | None = None, timeout: float = 240) -> Ran:
    """Run the command line as a stranger would: in a process of its own."""
    argv = [sys.executable, "-m", "edgewright", *map(str, words)]
    done = subprocess.run(
        argv, capture_output=True, text=True, check=False, cwd=cwd, timeout=timeout, env=os.environ
    )
    return Ran(code=done.returncode, out=done.stdout, err=done.stderr)


@pytest.fixture(scope="session")
def command() -> Command:
    """``command("convert", model, ...)`` runs the command line in a process of its own."""
    return _command


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ``model.keras``, ``train.npz`` and ``test.npz`` (8x8 images, 3 classes)."""
    folder = tmp_path_factory.mktemp("tiny")
    subprocess.run([sys.executable, "-c", TINY, str(folder / "model.keras")], check=True)
    generator = np.random.default_rng(0)
    for name, items in (("train", 120), ("test", 60)):
        x = generator.random((items, 8, 8, 1), dtype=np.float32)
        np.savez(folder / f"{name}.npz", x=x, y=generator.integers(0, 3, items))
    return folder


@pytest.fixture(scope="session")
def converted(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle with every variant of the tiny model; tests read it and never write to it."""
    out = tmp_path_factory.mktemp("converted") / "bundle"
    ran = _command("convert", tiny / "model.keras", "--out", out, "--calibrate", tiny / "train.npz")
    assert ran.code == 0, ran.err + ran.out
    return out

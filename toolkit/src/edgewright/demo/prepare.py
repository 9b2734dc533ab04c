"""Fill the demo's folder: model, data, preprocessing, labels and plan."""

from __future__ import annotations

import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from edgewright_runtimes.errors import BadInput, EdgewrightError, MissingExtra

PREPROCESS = "# from pixels of 0..16 to 0..1\nscale = 0.0625\n"


def prepare(folder: Path) -> Path:
    """Train the net in a process of its own and write the plan; the plan's path.

    Raises ``MissingExtra`` without scikit-learn, ``BadInput`` where the folder is a file.
    """
    if find_spec("sklearn") is None:
        raise MissingExtra(
            "the demo's digits come with scikit-learn", hint="pip install scikit-learn"
        )
    if folder.exists() and not folder.is_dir():
        raise BadInput(f"{folder} is a file; the demo wants a folder", hint="name another --out")
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "model.keras").exists():
        argv = [sys.executable, "-m", "edgewright.demo.digits", str(folder)]
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
        if done.returncode:
            raise EdgewrightError(f"the demo's training failed: {done.stderr.strip()[-300:]}")
    (folder / "preprocess.toml").write_text(PREPROCESS)
    (folder / "labels.txt").write_text("".join(f"{digit}\n" for digit in range(10)))
    plan = folder / "plan.toml"
    shutil.copyfile(Path(__file__).with_name("plan.toml"), plan)
    return plan

"""Print what the locks pin: all third-party requirements of the workspace, without our own.

python scripts/lock_inputs.py dev     the three distributions, their runtimes and the dev group
python scripts/lock_inputs.py tfjs    the oracle's environment (package tensorflowjs)
python scripts/lock_inputs.py tflite  tflite-runtime's environment (numpy<2)
"""

from __future__ import annotations

import sys
from pathlib import Path

import tomllib

ROOT = Path(__file__).parent.parent
DISTRIBUTIONS = ("runtimes", "converters", "toolkit")


def project(name: str) -> dict[str, object]:
    data = tomllib.loads((ROOT / name / "pyproject.toml").read_text())
    return dict(data["project"])


def third_party(requirements: list[str]) -> list[str]:
    return [r for r in requirements if not r.startswith("edgewright")]


def dev() -> list[str]:
    found: list[str] = []
    for name in DISTRIBUTIONS:
        found += third_party(project(name)["dependencies"])  # type: ignore[arg-type]
    extras = project("runtimes")["optional-dependencies"]
    found += extras["litert"] + extras["onnx"]  # type: ignore[index]
    browser = project("toolkit")["optional-dependencies"]["browser"]  # type: ignore[index]
    found += third_party(browser)
    root = tomllib.loads((ROOT / "pyproject.toml").read_text())
    return found + list(root["dependency-groups"]["dev"])


def tfjs() -> list[str]:
    return list(project("converters")["optional-dependencies"]["tfjs"])  # type: ignore[index]


def tflite() -> list[str]:
    return list(project("runtimes")["optional-dependencies"]["tflite"])  # type: ignore[index]


if __name__ == "__main__":
    print("\n".join({"dev": dev, "tfjs": tfjs, "tflite": tflite}[sys.argv[1]]()))

"""Build the wheels and make bare environments: for resolve.py, smoke_wheels.py and the tests."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
DISTRIBUTIONS = ("runtimes", "runtimes/web", "converters", "toolkit")
PYTHONS = ("3.10", "3.11", "3.12", "3.13")


def uv(*words: str | Path, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run uv with no project, no settings file and no environment but the one that is named."""
    program = Path(sys.executable).parent / "uv"
    environment = {k: v for k, v in os.environ.items() if k not in ("VIRTUAL_ENV", "PYTHONPATH")}
    return subprocess.run(
        [str(program), "--no-config", *map(str, words)],
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT.parent,
        env=environment,
    )


def must(*words: str | Path, stdin: str | None = None) -> str:
    done = uv(*words, stdin=stdin)
    if done.returncode:
        raise SystemExit(f"uv {' '.join(map(str, words))} failed:\n{done.stderr}")
    return done.stdout


def build(folder: Path, names: tuple[str, ...] = DISTRIBUTIONS) -> list[Path]:
    """The wheels of ``names``, built into ``folder``."""
    for name in names:
        must("build", "--quiet", "--wheel", "--out-dir", folder, ROOT / name)
    return sorted(folder.glob("*.whl"))


def environment(folder: Path, python: str) -> Path:
    """A bare environment (not even pip) of that Python; its interpreter."""
    must("venv", "--quiet", "--no-project", "--python", python, folder)
    return folder / "bin" / "python"


def install(python: Path, wheels: Path, *requirements: str) -> None:
    """Ours from the folder ``wheels``, everything else from the index."""
    words = ["pip", "install", "--quiet", "--python", str(python), "--find-links", str(wheels)]
    must(*words, *requirements)


def interpreter(version: str) -> str | None:
    """An installed Python of that version: on the path, or among pyenv's."""
    found = uv("python", "find", "--no-project", "--no-python-downloads", version)
    if found.returncode == 0:
        return found.stdout.strip()
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    candidates = sorted(pyenv.glob(f"{version}.*/bin/python"))
    return str(candidates[-1]) if candidates else None

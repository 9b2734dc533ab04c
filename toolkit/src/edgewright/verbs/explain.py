"""``explain``: why an artifact is not faster, with evidence from the file and from a profile."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgewright_runtimes.errors import ArtifactError, BadInput

if TYPE_CHECKING:
    from edgewright.explanations.profile import Profile
    from edgewright.explanations.rules import Finding

LIMIT_SECONDS = 600.0
_SUFFIXES = (".tflite", ".onnx")


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """``findings`` stand with the greatest share first; ``cpu`` are the processor's features."""

    path: Path
    profile: Profile
    findings: tuple[Finding, ...]
    cpu: tuple[str, ...]
    cores: int


def explain(artifact: Path | str, *, threads: int = 1) -> Explanation:
    """Profile a ``.tflite`` or ``.onnx`` file on this machine, and say what slows it down.

    ``artifact`` is a file, or ``BUNDLE/NAME`` of an artifact in a bundle. Raises ``BadInput`` for
    what is no such file, ``ArtifactError`` where the runtime refuses it.
    """
    from edgewright.explanations.rules import Machine, explain_profile
    from edgewright_runtimes.environment import read_environment

    path = find_file(Path(artifact))
    if threads < 1:
        raise BadInput(f"threads is {threads}; 1 or more is expected")
    features = [f for f in str(read_environment().get("cpu_features", "")).split(",") if f]
    machine = Machine(features=frozenset(features), cores=os.cpu_count() or 1)
    profile = _profiled(path, threads)
    return Explanation(
        path=path,
        profile=profile,
        findings=explain_profile(profile, machine),
        cpu=tuple(features),
        cores=machine.cores,
    )


def find_file(path: Path) -> Path:
    """The model file of ``path``: itself, or that of the artifact it names in a bundle."""
    if path.is_file():
        if path.suffix not in _SUFFIXES:
            raise BadInput(f"{path}: .tflite and .onnx can be explained, not {path.suffix!r}")
        return path
    for folder in (path, path.parent / "artifacts" / path.name):
        found = [p for suffix in _SUFFIXES for p in sorted(folder.glob(f"*{suffix}"))]
        if len(found) == 1:
            return found[0]
        if (folder / "model.json").exists():
            raise BadInput(f"{path}: TF.js artifacts are profiled by the browser, not here")
    artifacts = path / "artifacts"
    names = sorted(p.name for p in artifacts.iterdir()) if artifacts.is_dir() else []
    hint = f"one of {', '.join(f'{path}/{n}' for n in names)}" if names else ""
    raise BadInput(f"{path}: no .tflite or .onnx file", hint=hint or "give a file, or BUNDLE/NAME")


def _profiled(path: Path, threads: int) -> Profile:
    """In a process of its own: the runtime may crash on a file that others made."""
    from edgewright.explanations.profile import read_profile

    with tempfile.TemporaryDirectory(prefix="edgewright-") as folder:
        out = Path(folder) / "profile.json"
        words = [sys.executable, "-m", "edgewright.explanations", str(path), str(threads), str(out)]
        try:
            done = subprocess.run(words, capture_output=True, text=True, timeout=LIMIT_SECONDS)
        except subprocess.TimeoutExpired as e:
            raise ArtifactError(f"{path}: no profile within {LIMIT_SECONDS:.0f} s") from e
        if done.returncode or not out.exists():
            lines = done.stderr.strip().splitlines()
            reason = lines[-1][:300] if lines else f"it ended with {done.returncode}"
            raise ArtifactError(f"{path}: it can't be profiled: {reason}")
        return read_profile(out)


def as_plain(explanation: Explanation) -> Mapping[str, Any]:
    profile = explanation.profile
    ops = [{**asdict(op), "share": profile.share(op)} for op in profile.ops]
    return {
        "path": str(explanation.path),
        "cpu": list(explanation.cpu),
        "cores": explanation.cores,
        "measured": profile.measured,
        **{**asdict(profile), "ops": ops},
        "findings": [asdict(finding) for finding in explanation.findings],
    }

"""Whether an artifact answers in a runtime as its source does: before any time is spent on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgewright_runtimes.errors import ArtifactError

if TYPE_CHECKING:
    import numpy as np

    from edgewright.bundle import Bundle
    from edgewright_runtimes.records import Artifact

    Arrays = Mapping[str, np.ndarray[Any, Any]]


class WrongAnswers(ArtifactError):
    """Outputs on the goldens that are further off than the scheme and the runtime may be."""


@dataclass(slots=True)
class Answers:
    """The goldens of a bundle, and of the compressed models in it; ``work`` takes the feeds."""

    bundle: Bundle
    work: Path
    _goldens: dict[str, Arrays] = field(default_factory=dict)

    def feeds(self, artifact: Artifact) -> Path | None:
        """The preprocessed goldens (.npz); ``None`` where there are none with answers."""
        import numpy as np

        inputs = _part(self._of(artifact), "input/")
        if not inputs or not _part(self._of(artifact), "output/"):
            return None
        path = self.work / f"golden-{_key(artifact) or 'source'}.npz"
        if not path.exists():
            np.savez(path, allow_pickle=False, **inputs)
        return path

    def judge(self, artifact: Artifact, runtime: str, outputs: Path) -> None:
        """Compare ``outputs`` (.npz) with the source's. Raises ``WrongAnswers``.

        The limit is the scheme's own, by which ``convert`` verified it, and on top of it how far
        the runtime may be from the one that ``convert`` used.
        """
        import numpy as np

        from edgewright.targets.tolerances import tolerance
        from edgewright_converters.tolerances import judge

        expected = _part(self._of(artifact), "output/")
        with np.load(outputs, allow_pickle=False) as arrays:
            got = dict(arrays)
        missing = [name for name in expected if name not in got]
        if missing:
            raise WrongAnswers(f"the artifact has no output {missing[0]!r}")
        found = judge(
            artifact.scheme,
            expected,
            got,
            real=artifact.golden == "real",
            runtime=tolerance(runtime, artifact.scheme),
        )
        if found.ok is False:
            hint = "it answers wrongly here: take another --runtime or variant"
            raise WrongAnswers(found.words, hint=hint)

    def _of(self, artifact: Artifact) -> Arrays:
        from edgewright.bundle import read_goldens
        from edgewright.compression.store import stage_folder

        key = _key(artifact)
        if key not in self._goldens:
            folder = stage_folder(self.bundle, key) if key else self.bundle.path
            path = folder / "golden.npz"
            self._goldens[key] = read_goldens(path) if path.exists() else {}
        return self._goldens[key]


def _key(artifact: Artifact) -> str:
    """Of the compressed model that it was written from; empty where that is the source."""
    return str(artifact.details.get("compressed", ""))


def _part(arrays: Arrays, prefix: str) -> Arrays:
    return {k.removeprefix(prefix): a for k, a in arrays.items() if k.startswith(prefix)}

"""A bundle: the folder that holds a source's artifacts, their measurements and their failures.

    bundle.json                      the source, and an index that can be rebuilt
    compressed/<key>/                models after the steps of a recipe (``compression.store``)
    golden.npz                       raw/<input>, input/<input>, output/<output> of 8 items
    artifacts/<name>/artifact.json   beside the model file
    measurements/<id>.json           a Measurement or an Evaluation, its arrays beside it; a Count
    failures/<id>.json
    report.html
    .seen.json                       how the artifacts' files looked when they were hashed

Every file appears whole or not at all; a killed run leaves a valid bundle.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from edgewright.atomic import WriteFailed, atomic_file, write_text
from edgewright_runtimes.errors import BadInput, EdgewrightError, UnknownName
from edgewright_runtimes.record_json import from_dict, from_json, to_json
from edgewright_runtimes.records import (
    FORMATS,
    SCHEMA,
    SCHEMES,
    Artifact,
    Count,
    Evaluation,
    Failure,
    Measurement,
    SourceInfo,
)

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

T = TypeVar("T")
WORK = ".work"
CHILD_SECONDS = 1.0  # from the fork of a child to its own program, on a busy machine


class BundleBusy(EdgewrightError):
    """Another run holds the bundle's lock."""


class Bundle:
    """Open one with ``Bundle.open`` or ``Bundle.create``; records are read when asked for.

    ``problems`` lists files that could not be read: they are set aside, not shown as results.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.problems: list[str] = []

    @classmethod
    def open(cls, path: Path) -> Bundle:
        """Raises ``BadInput`` where ``path`` is not a bundle."""
        if not path.exists():
            raise BadInput(f"no such bundle: {path}", hint="make one: edgewright convert MODEL")
        if not path.is_dir() or not _looks_like_bundle(path):
            raise BadInput(
                f"{path} is not a bundle (no bundle.json, no artifacts/)",
                hint=f"make one: edgewright convert MODEL --out {path}",
            )
        return cls(path)

    @classmethod
    def create(cls, path: Path) -> Bundle:
        """The bundle at ``path``, made where there is none; other files are never touched."""
        if path.exists() and not path.is_dir():
            raise BadInput(f"{path} is a file; a bundle is a folder", hint="name another --out")
        if path.is_dir() and any(path.iterdir()) and not _looks_like_bundle(path):
            raise BadInput(
                f"{path} is not empty and not a bundle", hint="name an empty folder with --out"
            )
        try:
            (path / "artifacts").mkdir(parents=True, exist_ok=True)
        except OSError as e:
            words = f"cannot write {path}: {e.strerror or e}"
            raise WriteFailed(words, hint="name another folder with --out") from e
        return cls(path)

    # -- the source ---------------------------------------------------------------------------

    @property
    def source(self) -> SourceInfo | None:
        """``None`` where ``bundle.json`` is lost or cut; artifacts can be read all the same."""
        head = self.path / "bundle.json"
        try:
            data = json.loads(head.read_bytes())["source"]
            if not isinstance(data, dict):
                raise TypeError
            return from_dict(SourceInfo, data, where=str(head))
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError, RecursionError):
            self._problem(f"{head} cannot be read: run `edgewright convert` again to rebuild it")
            return None

    def require_source(self) -> SourceInfo:
        source = self.source
        if source is None:
            raise BadInput(
                f"{self.path}/bundle.json is missing or damaged, the source is not known",
                hint=f"edgewright convert MODEL --out {self.path}",
            )
        return source

    def own_source(self, source: SourceInfo) -> Path | None:
        """Where a live object was saved for the converter process; its folder bears its hash."""
        return next(iter((self.path / "source" / source.sha256[:16]).glob("*")), None)

    def drop_other_sources(self, source: SourceInfo) -> None:
        for folder in (self.path / "source").glob("*"):
            if folder.name != source.sha256[:16]:
                shutil.rmtree(folder, ignore_errors=True)

    def write_head(self, source: SourceInfo) -> None:
        """Write ``bundle.json``: the source, and the index of the artifacts that are there."""
        index = [
            {"name": a.name, "sha256": a.sha256, "size_bytes": a.size_bytes}
            for a in self._all_artifacts()
        ]
        head = {"schema": SCHEMA, "source": json.loads(to_json(source)), "artifacts": index}
        write_text(self.path / "bundle.json", json.dumps(head, indent=1, ensure_ascii=False) + "\n")

    # -- artifacts ----------------------------------------------------------------------------

    def artifacts(self) -> tuple[Artifact, ...]:
        """Those made from the bundle's source, in the order of formats, schemes and steps."""
        source = self.source
        found = self._all_artifacts()
        ours = (a for a in found if source is None or a.source_sha256 == source.sha256)
        return tuple(sorted(ours, key=_catalogue_order))

    def require_artifacts(self) -> tuple[Artifact, ...]:
        """Raises ``BadInput`` where there is none, with what stopped the first of them."""
        found = self.artifacts()
        if found:
            return found
        known, hint = f"{self.path} has no artifact", "edgewright convert MODEL --out DIR"
        for f in self.failures():
            if f.stage in ("convert", "verify"):
                words = f"{known}; {f.artifact} failed at {f.stage}: {f.error}"
                raise BadInput(words, hint=f.hint or hint)
        raise BadInput(known, hint=hint)

    def _all_artifacts(self) -> list[Artifact]:
        """Those whose folder bears their name: a name is never taken for another path."""
        found = []
        for path in sorted(self.path.glob("artifacts/*/artifact.json")):
            artifact = self._read(path, Artifact)
            if artifact is not None and artifact.name == path.parent.name:
                found.append(artifact)
            elif artifact is not None:
                self._problem(f"{path} is of {artifact.name!r}, not of this folder: set aside")
        return found

    def artifact(self, name: str) -> Artifact:
        found = {a.name: a for a in self.artifacts()}
        if name not in found:
            raise UnknownName("artifact", name, found)
        return found[name]

    def artifact_folder(self, name: str) -> Path:
        return self.path / "artifacts" / name

    def model_file(self, artifact: Artifact) -> Path:
        folder = self.artifact_folder(artifact.name)
        path = folder / artifact.file
        if not path.resolve().is_relative_to(folder.resolve()):
            raise BadInput(f"artifact {artifact.name!r} names a file outside its folder")
        return path

    def add_artifact(self, artifact: Artifact, built: Path) -> None:
        """Take the folder ``built`` (in ``work_folder()``) as the artifact's own, by a rename."""
        write_text(built / "artifact.json", to_json(artifact) + "\n")
        self.remove_artifact(artifact.name)
        try:
            built.rename(self.artifact_folder(artifact.name))
        except OSError as e:
            raise WriteFailed(f"cannot write {self.path}: {e.strerror or e}") from e

    def remove_artifact(self, name: str) -> None:
        folder = self.artifact_folder(name)
        if folder.exists():
            old = self.work_folder() / f"old-{name}"
            folder.rename(old)
            shutil.rmtree(old)

    # -- measurements and failures --------------------------------------------------------------

    def measurements(self) -> tuple[Measurement, ...]:
        """Those whose samples can be read; lost or damaged rounds are in ``problems``."""
        found = self._records("measurements/*.json", Measurement, marker="samples_file")
        return tuple(record for record in found if self._has_samples(record))

    def _has_samples(self, record: Measurement) -> bool:
        import numpy as np

        try:
            path = self._beside(record.samples_file)
            samples = np.load(path, mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError, EOFError, EdgewrightError) as e:
            self._problem(f"{record.artifact}: round {record.round} set aside, {e}")
            return False
        if samples.ndim != 1 or samples.dtype != np.int64:
            self._problem(f"{record.artifact}: round {record.round} set aside, no list of times")
            return False
        return True

    def samples(self, measurement: Measurement) -> Array:
        """int64 nanoseconds per call group, warm-up first."""
        import numpy as np

        samples: Array = np.load(self._beside(measurement.samples_file), allow_pickle=False)
        return samples

    def add_measurement(self, record: Measurement, samples: Array) -> None:
        import numpy as np

        with atomic_file(self._beside(record.samples_file)) as stream:
            np.save(stream, samples.astype(np.int64), allow_pickle=False)
        stem = Path(record.samples_file).stem
        write_text(self.path / "measurements" / f"{stem}.json", to_json(record) + "\n")

    def evaluations(self) -> tuple[Evaluation, ...]:
        return self._records("measurements/*.json", Evaluation, marker="outputs_file")

    def add_evaluation(self, record: Evaluation) -> None:
        """Its arrays are written first, by ``array_file`` and a rename."""
        stem = Path(record.outputs_file).stem
        write_text(self.path / "measurements" / f"{stem}.json", to_json(record) + "\n")

    def array_file(self, name: str) -> Path:
        """Where an array named in a record lies; never outside the bundle."""
        return self._beside(name)

    def counts(self) -> tuple[Count, ...]:
        return self._records("measurements/*.json", Count, marker="calls_per_block")

    def add_count(self, record: Count, stem: str) -> None:
        write_text(self.path / "measurements" / f"{stem}.json", to_json(record) + "\n")

    def failures(self) -> tuple[Failure, ...]:
        return self._records("failures/*.json", Failure)

    def add_failure(self, failure: Failure) -> None:
        """One row for each artifact, stage, target and runtime: the last one counts."""
        write_text(self._failure_file(failure), to_json(failure) + "\n")

    def clear_failures(
        self,
        *,
        artifact: str,
        stages: tuple[str, ...],
        target: str | None = None,
        runtimes: tuple[str, ...] | None = None,
    ) -> None:
        """Forget an artifact's earlier rows of these stages, before they are tried again.

        Rows of other targets and runtimes than those that are tried again stay; ``None`` is all.
        """
        for f in self.failures():
            tried = f.artifact == artifact and f.stage in stages
            here = target is None or f.target == target
            if tried and here and (runtimes is None or f.runtime in runtimes):
                self._failure_file(f).unlink(missing_ok=True)

    def _failure_file(self, f: Failure) -> Path:
        words = json.dumps([f.artifact, f.stage, f.target, f.runtime])
        key = hashlib.sha256(words.encode()).hexdigest()[:12]
        return self.path / "failures" / f"{f.artifact or 'bundle'}-{f.stage}-{key}.json"

    # -- goldens --------------------------------------------------------------------------------

    def golden(self) -> dict[str, Array]:
        """``raw/<input>``, ``input/<input>`` (preprocessed) and ``output/<output>`` arrays."""
        return read_goldens(self.path / "golden.npz")

    # -- work in progress -----------------------------------------------------------------------

    def work_folder(self) -> Path:
        folder = self.path / WORK
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the bundle for writing; what a killed run left in ``.work`` is swept first.

        Raises ``BundleBusy`` where another run holds it. The system frees the lock of a process
        that died; a child that was just being started may hold it a moment longer.
        """
        from filelock import FileLock, Timeout

        try:
            lock = FileLock(self.path / ".lock", timeout=CHILD_SECONDS)
            lock.acquire()
        except Timeout:
            raise BundleBusy(
                f"another run is writing to {self.path}", hint="wait for it, or name another folder"
            ) from None
        except OSError as e:
            raise WriteFailed(f"cannot write {self.path}: {e.strerror or e}") from e
        try:
            self._sweep()
            yield
        finally:
            shutil.rmtree(self.path / WORK, ignore_errors=True)
            lock.release()

    def _sweep(self) -> None:
        shutil.rmtree(self.path / WORK, ignore_errors=True)
        for folder in (self.path, self.path / "measurements", self.path / "failures"):
            for path in [*folder.glob(".*.tmp"), *folder.glob(".*.npz")]:
                path.unlink(missing_ok=True)

    # -- reading --------------------------------------------------------------------------------

    def _records(self, pattern: str, kind: type[T], *, marker: str = "") -> tuple[T, ...]:
        read = (self._read(p, kind, marker=marker) for p in sorted(self.path.glob(pattern)))
        return tuple(record for record in read if record is not None)

    def _read(self, path: Path, kind: type[T], *, marker: str = "") -> T | None:
        try:
            text = path.read_text(encoding="utf-8")
            if not marker or f'"{marker}"' in text:
                return from_json(kind, text, where=str(path))
        except BadInput as e:
            self._problem(str(e))
        except (OSError, UnicodeDecodeError, RecursionError) as e:
            self._problem(f"{path} cannot be read: {e}")
        return None

    def _beside(self, name: str) -> Path:
        folder = self.path / "measurements"
        path = folder / name
        if not path.resolve().is_relative_to(folder.resolve()):
            raise BadInput(f"{self.path}: a record names {name!r}, outside the bundle")
        return path

    def _problem(self, message: str) -> None:
        if message not in self.problems:
            self.problems.append(message)


def read_goldens(path: Path) -> dict[str, Array]:
    """The arrays of a golden file by name. Raises ``BadInput`` where it is damaged."""
    import numpy as np

    try:
        # opened here: numpy leaves a file open that turns out to be no zip
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}
    except (OSError, EOFError, ValueError, AttributeError, zipfile.BadZipFile) as e:
        raise BadInput(f"{path} cannot be read: {e}", hint="convert again") from e


def _looks_like_bundle(path: Path) -> bool:
    return (path / "bundle.json").exists() or (path / "artifacts").is_dir()


def _catalogue_order(artifact: Artifact) -> tuple[int, int, int, str]:
    """By format and scheme; of one scheme the source's own first, then by the number of steps."""
    schemes = SCHEMES[artifact.format]
    place = schemes.index(artifact.scheme) if artifact.scheme in schemes else len(schemes)
    return FORMATS.index(artifact.format), place, artifact.name.count("_"), artifact.name


def content_sha256(path: Path) -> str:
    """The artifact's id: of a file its hash, of a folder the hash of its (name, hash) lines.

    ``artifact.json`` is not part of what was built.
    """
    if path.is_file():
        digest = hashlib.sha256()
        with path.open("rb") as stream:
            while chunk := stream.read(1 << 20):
                digest.update(chunk)
        return digest.hexdigest()
    files = sorted(p for p in path.rglob("*") if p.is_file() and p.name != "artifact.json")
    lines = [f"{p.relative_to(path).as_posix()} {content_sha256(p)}\n" for p in files]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def artifact_sha256(bundle: Bundle, artifact: Artifact) -> str:
    """The hash of what lies there now: of the file, or of the folder for TF.js."""
    path = bundle.model_file(artifact)
    return content_sha256(path.parent if artifact.format == "tfjs" else path)


def as_mapping(record: Any) -> Mapping[str, Any]:
    """A record as plain data, for ``--json``."""
    return dict(json.loads(to_json(record)))

"""From what a person names to one model file: a file, an artifact's folder, or a bundle."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from edgewright_runtimes.errors import BadInput, MissingExtra
from edgewright_runtimes.records import Artifact, Format
from edgewright_runtimes.runtime import RUNTIMES, runtime_row

RECORD = "artifact.json"
SUFFIXES: dict[str, Format] = {".tflite": "tflite", ".onnx": "onnx"}
SOURCES = (".keras", ".h5", ".hdf5", ".pb")
TFJS_HINT = "open it in a page, or load the .tflite or .onnx artifact"


def find_model(path: Path) -> tuple[Path, Format]:
    """The file to open and its format. Raises ``BadInput`` that says what else can be named."""
    if not path.exists():
        raise BadInput(f"{path}: no such file or folder")
    if path.is_dir():
        return _in_folder(path)
    if path.name == RECORD:
        return _of_artifact(path.parent)
    return path, _format_of(path)


def _in_folder(path: Path) -> tuple[Path, Format]:
    if (path / RECORD).is_file():
        return _of_artifact(path)
    if (path / "model.json").is_file():
        raise _tfjs(path)
    if (path / "saved_model.pb").is_file():
        raise _source(path)
    records = sorted(path.glob(f"artifacts/*/{RECORD}"))
    if not records:
        raise BadInput(
            f"{path} is no bundle and no artifact's folder", hint="give a .tflite or .onnx file"
        )
    artifacts = [_record(folder.parent) for folder in records]
    loadable = [a.name for a in artifacts if a.format != "tfjs"]
    if len(loadable) != 1:
        names = ", ".join(loadable) or "none (only TF.js, which runs in a page)"
        raise BadInput(
            f"{path} has {len(loadable)} artifacts that load here: {names}",
            hint=f"name one, for example {path / 'artifacts' / (loadable or ['NAME'])[0]}",
        )
    return _of_artifact(path / "artifacts" / loadable[0])


def _of_artifact(folder: Path) -> tuple[Path, Format]:
    artifact = _record(folder)
    if artifact.format == "tfjs":
        raise _tfjs(folder)
    file = folder / artifact.file
    if file.resolve().parent != folder.resolve() or not file.is_file():
        raise BadInput(
            f"{folder / RECORD} names the file {artifact.file!r}, which is not beside it",
            hint="convert again",
        )
    return file, artifact.format


def _record(folder: Path) -> Artifact:
    from edgewright_runtimes.record_json import from_json

    record = folder / RECORD
    return from_json(Artifact, record.read_bytes(), where=str(record))


def _format_of(path: Path) -> Format:
    if path.suffix.lower() in SUFFIXES:
        return SUFFIXES[path.suffix.lower()]
    with path.open("rb") as file:
        if file.read(8)[4:] == b"TFL3":
            return "tflite"
    if path.name == "model.json":
        raise _tfjs(path)
    if path.suffix.lower() in SOURCES:
        raise _source(path)
    raise BadInput(f"{path}: neither .tflite nor .onnx", hint="known: .tflite, .onnx")


def _tfjs(path: Path) -> BadInput:
    return BadInput(f"{path}: a TF.js artifact is not on this target", hint=TFJS_HINT)


def _source(path: Path) -> BadInput:
    return BadInput(
        f"{path}: a model to convert first", hint=f"edgewright convert {path} --out DIR"
    )


def choose_runtime(format: Format, name: str | None) -> str:
    """The named runtime, else the first of the table that is installed and takes the format.

    Raises ``UnknownName``, ``BadInput`` where the runtime does not take the format, and
    ``MissingExtra`` where none that does is installed.
    """
    fitting = [r for r in RUNTIMES.values() if format in r.formats]
    if name is not None:
        row = runtime_row(name)
        if row not in fitting:
            known = ", ".join(r.name for r in fitting)
            raise BadInput(f"runtime {name!r} does not run {format}; expected one of {known}")
        return name
    for row in fitting:
        if row.package and importlib.util.find_spec(row.package) is not None:
            return row.name
    names = " or ".join(r.package for r in fitting if r.package)
    first = next(r for r in fitting if r.extra)
    raise MissingExtra(
        f"no runtime for .{format} is installed ({names})",
        hint=first.how_to_get,
    )

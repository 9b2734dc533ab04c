"""``inspect``: what an artifact is made of, whoever made it. Nothing is run."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edgewright.inspection.graph import Graph, Inspection, count_ops, float_fallback
from edgewright.inspection.transfer import brotli_size, zipped_size
from edgewright_runtimes.contract import read_contract
from edgewright_runtimes.errors import BadInput, EdgewrightError
from edgewright_runtimes.record_json import from_json
from edgewright_runtimes.records import Artifact, Contract

_READERS = {".tflite": "tflite", ".onnx": "onnx", ".json": "tfjs"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One artifact of a folder: what was found, or why it could not be read."""

    name: str
    inspection: Inspection | None
    error: str = ""


def inspect(path: Path | str) -> Inspection | tuple[Row, ...]:
    """Inspect one ``.tflite``, ``.onnx`` or TF.js ``model.json``, or every one in a folder.

    A folder is a bundle, an artifact's folder, or any folder that holds such files; it gives one
    row for each. Raises ``BadInput`` for a file that is missing, corrupt or of another kind, and
    for a folder without an artifact.
    """
    path = Path(path)
    if not path.is_dir():
        return inspect_file(path)
    files = find_artifacts(path)
    if not files:
        raise BadInput(f"{path}: no artifact in it", hint="known: .tflite, .onnx, model.json")
    return tuple(_row(name, file) for name, file in files)


def find_artifacts(folder: Path) -> list[tuple[str, Path]]:
    """(name, model file) of a bundle's artifacts, or of the folder's own files."""
    bundle = sorted(folder.glob("artifacts/*/"))
    if bundle:
        return [(f.name, file) for f in bundle for file in _model_files(f)]
    return [(file.name, file) for file in _model_files(folder)]


def _model_files(folder: Path) -> list[Path]:
    names = ("*.tflite", "*.onnx", "model.json")
    return sorted(file for name in names for file in folder.glob(name) if file.is_file())


def _row(name: str, file: Path) -> Row:
    try:
        return Row(name=name, inspection=inspect_file(file))
    except EdgewrightError as e:
        return Row(name=name, inspection=None, error=str(e))


def inspect_file(path: Path) -> Inspection:
    """One file. Raises ``BadInput``."""
    kind = _READERS.get(path.suffix.lower())
    if kind is None:
        known = "known: .tflite, .onnx, model.json, or a folder of them"
        raise BadInput(f"{path}: cannot inspect {path.suffix or 'a file without suffix'}; {known}")
    reader = importlib.import_module(f"edgewright.inspection.{kind}")
    graph: Graph = reader.read_graph(path)
    contract, warnings = _contract(path)
    files = _files(path, graph)
    size_bytes = sum(file.stat().st_size for file in files)
    unknown = {op.name for op in graph.operations if op.macs is None}
    return Inspection(
        path=str(path),
        format=graph.format,
        size_bytes=size_bytes,
        zipped_bytes=_recorded(path, size_bytes) or zipped_size(files),
        brotli_bytes=brotli_size(files),
        parameters=graph.parameters,
        macs=sum(op.macs or 0 for op in graph.operations),
        unknown_macs=tuple(sorted(unknown)),
        ops=count_ops(graph.operations),
        float_ops=float_fallback(graph.operations),
        weights=graph.weights,
        inputs=graph.inputs,
        outputs=graph.outputs,
        contract=contract,
        facts=graph.facts,
        warnings=(*graph.warnings, *warnings),
        web_runtimes=graph.web_runtimes,
    )


def _contract(path: Path) -> tuple[Contract | None, tuple[str, ...]]:
    """A contract that cannot be read is no reason to say nothing of the model."""
    try:
        return read_contract(path), ()
    except BadInput as e:
        return None, (f"its contract cannot be read: {e}",)


def _files(path: Path, graph: Graph) -> Sequence[Path]:
    """The model file, and the weights that lie beside it."""
    astray = [name for name in graph.files if Path(name).is_absolute() or ".." in Path(name).parts]
    if astray:
        raise BadInput(f"{path}: its weights lie outside its folder: {astray[0]!r}")
    beside = [path.parent / name for name in graph.files]
    missing = [file.name for file in beside if not file.is_file()]
    if missing:
        raise BadInput(f"{path}: weights missing beside it: {', '.join(missing[:3])}")
    return [path, *beside]


def _recorded(path: Path, size_bytes: int) -> int | None:
    """What the artifact's record beside it says, for deflating takes 5 s per 100 MB."""
    record = path.parent / "artifact.json"
    if not record.is_file():
        return None
    try:
        artifact = from_json(Artifact, record.read_bytes(), where=str(record))
    except (BadInput, OSError):
        return None  # the file itself is what was asked about
    same = artifact.file == path.name and artifact.size_bytes == size_bytes
    return artifact.zipped_bytes if same else None

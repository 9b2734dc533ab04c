"""The contract that an artifact carries inside itself: how it is written, and read back.

It is one JSON object of at most 2 kB, labels apart, so that a model of 100 kB stays one: fields
at their default are left out, and a tensor is a short list, ``[name, dtype, shape]`` and, where
it is quantized, ``scale, zero_point``. Labels are stored once, where the format has its place
for them; ``labels`` here is only their number.

| format | the contract | the labels |
|---|---|---|
| TFLite | metadata buffer ``edgewright`` | ``labels.txt``, packed by the rules of TFLITE_METADATA |
| ONNX | ``metadata_props``, key ``edgewright`` | the same, key ``labels``, one a line |
| TF.js | ``userDefinedMetadata``, key ``edgewright`` | in the same object, key ``label_names`` |
"""

from __future__ import annotations

import json
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

from edgewright_runtimes import onnx_file, tfjs_file, tflite_file
from edgewright_runtimes.errors import BadInput
from edgewright_runtimes.mapped_file import mapped
from edgewright_runtimes.record_json import from_dict
from edgewright_runtimes.records import Contract, TensorSpec

KEY = "edgewright"
LABELS_KEY = "labels"
LABEL_NAMES = "label_names"  # of TF.js, whose metadata is JSON already
MAX_BYTES = 2048
_READ_LIMIT = 1 << 16  # a later version may allow more; a hostile file may claim any


def read_contract(path: Path) -> Contract | None:
    """The contract inside a ``.tflite``, an ``.onnx`` or a TF.js ``model.json`` (or its folder).

    None: a model that is not ours. Raises ``BadInput`` for a file that is missing, truncated,
    corrupt, of another kind, or of a newer schema.
    """
    if path.is_dir():
        path = path / "model.json"
    match path.suffix.lower():
        case ".tflite":
            return _read_tflite(path)
        case ".onnx":
            return _read_onnx(path)
        case ".json":
            return _read_tfjs(path)
    raise BadInput(f"{path}: {path.suffix or 'no suffix'!r}; known: .tflite, .onnx, model.json")


def to_payload(contract: Contract) -> dict[str, Any]:
    """The JSON object that is stored; ``labels`` in it is their number."""
    payload: dict[str, Any] = {}
    for f in fields(Contract):
        value = getattr(contract, f.name)
        default = f.default_factory() if f.default_factory is not MISSING else f.default
        if f.name in ("inputs", "outputs"):
            payload[f.name] = [_pack(spec) for spec in value]
        elif f.name == "labels":
            payload[f.name] = len(value)
        elif f.name == "schema" or value != default:
            payload[f.name] = value
    if not payload["labels"]:
        del payload["labels"]
    return payload


def from_payload(payload: object, labels: tuple[str, ...], *, where: str) -> Contract:
    """The contract again. Raises ``BadInput`` where the object is not one."""
    if not isinstance(payload, dict):
        raise BadInput(f"{where}: its contract is not a JSON object")
    data = {k: v for k, v in payload.items() if k != LABEL_NAMES}
    if data.pop("labels", 0) != len(labels):
        raise BadInput(f"{where}: its labels are not those of its contract ({len(labels)} found)")
    for name in ("inputs", "outputs"):
        packed = data.get(name, [])
        if not isinstance(packed, list):
            raise BadInput(f"{where}: {name} is {packed!r}, a list was expected")
        data[name] = [_unpack(spec, where) for spec in packed]
    return from_dict(Contract, {**data, "labels": labels}, where=where)


def encode(payload: dict[str, Any]) -> bytes:
    """The bytes that are stored: UTF-8, no spaces, no NaN."""
    text = json.dumps(payload, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    return text.encode()


def labels_text(labels: tuple[str, ...]) -> str:
    """One label a line, as label files of TFLite are."""
    return "".join(f"{label}\n" for label in labels)


def labels_of(text: str) -> tuple[str, ...]:
    return tuple(text.removesuffix("\n").split("\n")) if text else ()


def _read_tflite(path: Path) -> Contract | None:
    where = str(path)
    with mapped(path) as data:
        model = tflite_file.read_model(data, where=where)
        stored = tflite_file.read_metadata(model, KEY, limit=_READ_LIMIT)
    if stored is None:
        return None
    payload = _decode(stored, where)
    text = tflite_file.read_labels(path) if payload.get("labels") else ""
    return from_payload(payload, labels_of(text), where=where)


def _read_onnx(path: Path) -> Contract | None:
    where = str(path)
    with mapped(path) as data:
        properties = onnx_file.read_properties(data, where=where)
    if KEY not in properties:
        return None
    payload = _decode(properties[KEY], where)
    stored = properties.get(LABELS_KEY, b"") if payload.get("labels") else b""
    return from_payload(payload, labels_of(stored.decode("utf-8", "replace")), where=where)


def _read_tfjs(path: Path) -> Contract | None:
    payload = tfjs_file.read_user_metadata(path, KEY)
    if payload is None:
        return None
    names = payload.get(LABEL_NAMES, []) if isinstance(payload, dict) else []
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise BadInput(f"{path}: {LABEL_NAMES} is {str(names)[:40]!r}, a list of text was expected")
    return from_payload(payload, tuple(names), where=str(path))


def _decode(stored: bytes, where: str) -> dict[str, Any]:
    try:
        payload = json.loads(stored, parse_constant=_refuse)
    except (ValueError, RecursionError) as e:
        raise BadInput(f"{where}: its contract is corrupt ({e})") from e
    if not isinstance(payload, dict):
        raise BadInput(f"{where}: its contract is not a JSON object")
    return payload


def _refuse(constant: str) -> float:
    raise ValueError(f"{constant} is not a number of JSON")


def _pack(spec: TensorSpec) -> list[Any]:
    packed = [spec.name, spec.dtype, list(spec.shape)]
    return packed if spec.scale is None else [*packed, spec.scale, spec.zero_point]


def _unpack(packed: object, where: str) -> dict[str, Any]:
    if not isinstance(packed, list) or len(packed) not in (3, 5):
        raise BadInput(f"{where}: {str(packed)[:40]!r} is no tensor of a contract")
    return dict(zip(("name", "dtype", "shape", "scale", "zero_point"), packed, strict=False))

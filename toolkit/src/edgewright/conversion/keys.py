"""Build keys: the tools' versions and our own code's hash, without importing any of them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cache
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from edgewright_runtimes.records import Format

_COMMON = ("tensorflow", "keras", "tf-keras", "numpy")
_TOOLS: Mapping[Format, tuple[str, ...]] = {
    "tflite": (*_COMMON, "ai-edge-litert", "ai-edge-quantizer"),
    "onnx": (*_COMMON, "onnx", "onnxruntime", "tf2onnx"),
    "tfjs": _COMMON,
}


@cache
def tool_versions(format_: Format) -> Mapping[str, str]:
    """The versions that decide what a conversion to this format gives."""
    return {name: _version(name) for name in _TOOLS[format_]}


@cache
def converter_version() -> str:
    """A hash of the converters' own source: a changed converter builds again."""
    return source_hash("edgewright_converters")


def source_hash(package: str) -> str:
    """Of the names and bytes of a package's modules, which are not imported."""
    spec = find_spec(package)
    root = Path(spec.origin).parent if spec is not None and spec.origin else Path()
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        digest.update(path.relative_to(root).as_posix().encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


@cache
def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "absent"

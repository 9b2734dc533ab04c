"""The runtime of a page: which one takes an artifact, and the files that it brings.

They come from the package ``edgewright_web``, which lists in ``export/runtimes.json`` what each
of them loads. Those that need a GPU are left out: nobody knows what the visitor's device has.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from edgewright.web_app.form import shown
from edgewright_runtimes.errors import BadInput, MissingExtra, UnknownName
from edgewright_runtimes.records import Artifact, Contract, Format

# The first is taken; TF.js on wasm is 10 to 30 times faster than on cpu, which has every kernel.
RUNTIMES: Mapping[Format, tuple[str, ...]] = {
    "tflite": ("litertjs-wasm",),
    "onnx": ("ort-web-wasm",),
    "tfjs": ("tfjs-wasm", "tfjs-cpu"),
}
_DTYPES: Mapping[Format, tuple[str, ...]] = {
    "tflite": ("float32", "int32"),
    "onnx": ("float32", "float64", "int8", "uint8", "int16", "uint16", "int32", "int64", "bool"),
    "tfjs": ("float32", "int32", "bool"),
}


def web_files() -> Path:
    """The folder of built files in ``edgewright_web``. Raises ``MissingExtra``."""
    try:
        import edgewright_web

        found = edgewright_web.static()
    except (ImportError, FileNotFoundError) as e:
        raise MissingExtra(
            f"the files of web pages are not installed ({e})",
            hint='pip install "edgewright[browser]"; in a clone: make install',
        ) from e
    return Path(found)


def choose_runtime(artifact: Artifact, contract: Contract, asked: str | None) -> str:
    """Raises ``UnknownName`` for a runtime that doesn't take the format, ``BadInput`` where the
    artifact is one that none of them runs."""
    known = RUNTIMES[artifact.format]
    if asked is not None and asked not in known:
        raise UnknownName(f"runtime of a page for {artifact.format}", asked, known)
    _check_tensors(artifact, contract)
    return asked or known[0]


def _check_tensors(artifact: Artifact, contract: Contract) -> None:
    """What every runtime of this format refuses at a model's edge."""
    if contract.batch is not None and contract.batch != 1:
        raise BadInput(
            f"{artifact.name} takes {contract.batch} items at a time, a page has one",
            hint="convert with --batch 1",
        )
    if artifact.format == "tflite" and contract.batch is None:
        raise BadInput(
            f"{artifact.name} has a free batch, and LiteRT.js takes none",
            hint="convert with --batch 1",
        )
    known = _DTYPES[artifact.format]
    for spec in (*contract.inputs, *contract.outputs):
        if spec.scale is not None:
            other = artifact.name.removesuffix("-io")
            raise BadInput(
                f"{artifact.name} has integers at its edge ({shown(spec)}), which pages don't run",
                hint=f"take an artifact that takes and gives floats, {other} for example",
            )
        if spec.dtype not in known:
            raise BadInput(
                f"{artifact.name} has {shown(spec)}; in a page {artifact.format} has "
                f"{', '.join(known)}"
            )


def runtime_files(runtime: str, web: Path) -> dict[str, Path]:
    """By name in the site: the worker that holds the runtime, and what it loads."""
    listed = json.loads((web / "export" / "runtimes.json").read_bytes())
    files = {"runtime/worker.js": web / "export" / "workers" / f"{runtime}.js"}
    return files | {f"runtime/{name}": web / "vendor" / name for name in listed[runtime]}

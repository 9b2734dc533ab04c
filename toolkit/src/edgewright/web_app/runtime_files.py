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

# The first that takes the file: TF.js on wasm is 10 to 30 times faster than on cpu.
RUNTIMES: Mapping[Format, tuple[str, ...]] = {
    "tflite": ("litertjs-wasm",),
    "onnx": ("ort-web-wasm",),
    "tfjs": ("tfjs-wasm", "tfjs-cpu"),
}
# What a page makes arrays of: ``page/tensors.ts``.
_DTYPES = frozenset(
    (
        "float32",
        "float64",
        "bool",
        *(f"{u}int{bits}" for u in ("", "u") for bits in (8, 16, 32, 64)),
    )
)


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


def choose_runtime(
    artifact: Artifact, contract: Contract, refusals: Mapping[str, str], asked: str | None
) -> str:
    """``refusals``: what each web runtime does not take of the file, or nothing (``inspect``).

    Raises ``UnknownName`` for a runtime that doesn't take the format, ``BadInput`` where the
    artifact is one that the runtime, or a page, can't run.
    """
    known = RUNTIMES[artifact.format]
    if asked is not None and asked not in known:
        raise UnknownName(f"runtime of a page for {artifact.format}", asked, known)
    _check_tensors(artifact, contract)
    tried = known if asked is None else (asked,)
    for name in tried:
        if not refusals[name]:
            return name
    why = "; ".join(f"{name}: {refusals[name]}" for name in tried)
    others = [name for name in known if name not in tried and not refusals[name]]
    raise BadInput(
        f"{artifact.name} does not run in a page: {why}",
        hint=f"--runtime {others[0]} takes it" if others else "take an artifact of another format",
    )


def _check_tensors(artifact: Artifact, contract: Contract) -> None:
    """What a page can't give or read, whatever the runtime."""
    if contract.batch is not None and contract.batch != 1:
        raise BadInput(
            f"{artifact.name} takes {contract.batch} items at a time, a page has one",
            hint="convert with --batch 1",
        )
    for spec in (*contract.inputs, *contract.outputs):
        if spec.scale is not None and artifact.format != "tflite":
            raise BadInput(
                f"{artifact.name} has integers at its edge ({shown(spec)}), and a page is not told "
                f"their scale in {artifact.format}",
                hint="take an artifact that takes and gives floats",
            )
        if spec.dtype not in _DTYPES:
            raise BadInput(f"{artifact.name} has {shown(spec)}; a page has numbers alone")


def runtime_files(runtime: str, web: Path) -> dict[str, Path]:
    """By name in the site: the worker that holds the runtime, and what it loads."""
    listed = json.loads((web / "export" / "runtimes.json").read_bytes())
    files = {"runtime/worker.js": web / "export" / "workers" / f"{runtime}.js"}
    return files | {f"runtime/{name}": web / "vendor" / name for name in listed[runtime]}

"""The files of a site: what the page is told, the model, the runtime, and the page itself."""

from __future__ import annotations

import hashlib
import html
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from edgewright.web_app.form import Kind
from edgewright.web_app.goldens import WebGoldens, to_npz, to_plain
from edgewright.web_app.runtime_files import runtime_files
from edgewright.web_app.site import MARK, SETTINGS
from edgewright_runtimes.preprocess import Preprocess
from edgewright_runtimes.records import Artifact, Contract

VERSION = 1  # of ``app.json``; the page refuses another
GOLDENS = "model/goldens.npz"
LICENCES = "runtime/licences.txt"  # nearly all of them are of the runtime
_PAGE = ("app.css", "app.js", "icon.svg")
_TITLE = "{{title}}"


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """All that decides what a site holds. ``extra`` are the fields, or the pixels' range."""

    title: str
    kind: Kind
    artifact: Artifact
    contract: Contract
    model: Path  # the file, or ``model.json`` with its shards beside it
    runtime: str
    goldens: WebGoldens | None
    extra: Mapping[str, Any] = field(default_factory=dict)


def write_files(app: App, site: Path, web: Path) -> dict[str, int]:
    """Fill the folder ``site``; the size of each file in bytes, by name."""
    for name, source in {**_model_files(app), **runtime_files(app.runtime, web)}.items():
        _put(site, name, source.read_bytes())
    if app.goldens is not None:
        _put(site, GOLDENS, to_npz(app.goldens))
    _write_page(app, site, web)
    files = sorted(p.relative_to(site).as_posix() for p in site.rglob("*") if p.is_file())
    settings = _settings(app, [*files, "sw.js"])
    _put(site, SETTINGS, (json.dumps(settings, indent=1, allow_nan=False) + "\n").encode())
    _write_service_worker(site, [*files, SETTINGS], web)
    every = (p for p in site.rglob("*") if p.is_file())
    return {p.relative_to(site).as_posix(): p.stat().st_size for p in sorted(every)}


def _model_files(app: App) -> dict[str, Path]:
    if app.artifact.format != "tfjs":
        return {f"model/{app.model.name}": app.model}
    folder = app.model.parent
    files = (p for p in folder.rglob("*") if p.is_file() and p.name != "artifact.json")
    return {f"model/{p.relative_to(folder).as_posix()}": p for p in sorted(files)}


def _settings(app: App, files: list[str]) -> dict[str, Any]:
    """``app.json``, as ``export/settings.ts`` of the page reads it."""
    artifact, contract = app.artifact, app.contract
    goldens = app.goldens
    return {
        MARK: VERSION,
        "title": app.title,
        "kind": app.kind,
        "artifact": {
            name: getattr(artifact, name)
            for name in ("name", "format", "scheme", "sha256", "size_bytes")
        },
        "model": f"model/{app.model.name}",
        "runtime": app.runtime,
        "inputs": [_tensor(asdict(spec)) for spec in contract.inputs],
        "outputs": [_tensor(asdict(spec)) for spec in contract.outputs],
        "preprocess": Preprocess.from_dict(contract.preprocess).to_dict(),
        "labels": list(contract.labels),
        **app.extra,
        "goldens": goldens and to_plain(goldens, scheme=artifact.scheme, file=GOLDENS),
        "files": files,
    }


def _tensor(spec: dict[str, Any]) -> dict[str, Any]:
    return {name: spec[name] for name in ("name", "dtype", "shape")}


def _write_page(app: App, site: Path, web: Path) -> None:
    for name in _PAGE:
        _put(site, name, (web / "export" / name).read_bytes())
    page = (web / "export" / "index.html").read_text(encoding="utf-8")
    _put(site, "index.html", page.replace(_TITLE, html.escape(app.title)).encode())
    manifest = {
        "name": app.title,
        "short_name": app.title[:12],
        "start_url": "./",
        "scope": "./",
        "display": "standalone",
        "background_color": "#f6f7f9",
        "theme_color": "#0b5c6b",
        "icons": [{"src": "icon.svg", "type": "image/svg+xml", "sizes": "any"}],
    }
    _put(site, "app.webmanifest", (json.dumps(manifest, indent=1) + "\n").encode())
    texts = sorted((web / "licences").glob("*.txt"))
    licences = "\n\n".join(f"{p.stem}\n\n{p.read_text(encoding='utf-8')}" for p in texts)
    _put(site, LICENCES, licences.encode())


def _write_service_worker(site: Path, files: list[str], web: Path) -> None:
    """The hashes stand in the script itself: a byte that changes makes browsers fetch it all."""
    hashes = {name: hashlib.sha256((site / name).read_bytes()).hexdigest() for name in files}
    lines = json.dumps(hashes, sort_keys=True)
    told = {"version": hashlib.sha256(lines.encode()).hexdigest()[:16], "files": hashes}
    script = (web / "export" / "sw.js").read_text(encoding="utf-8")
    _put(site, "sw.js", f"const SITE={json.dumps(told)};\n{script}".encode())


def _put(site: Path, name: str, content: bytes) -> None:
    path = site / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)

"""``export-app``: an artifact as a static page that does its job in any browser."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from edgewright.bundle import Bundle, artifact_sha256, read_goldens
from edgewright_runtimes.errors import BadInput

if TYPE_CHECKING:
    from edgewright.web_app.contents import App
    from edgewright.web_app.form import Kind
    from edgewright.web_app.goldens import WebGoldens
    from edgewright_runtimes.records import Artifact, Contract

Part = Literal["model", "runtime", "page"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportedApp:
    """The site that was written; ``files`` are its sizes in bytes by name."""

    path: Path
    artifact: str
    runtime: str
    kind: Kind
    files: Mapping[str, int]
    notes: tuple[str, ...] = ()

    def bytes_of(self, part: Part) -> int:
        """The model with its goldens, the runtime, or all the rest."""
        folders = ("model/", "runtime/")
        own = {"model": folders[:1], "runtime": folders[1:]}.get(part)
        return sum(
            size
            for name, size in self.files.items()
            if (name.startswith(own) if own else not name.startswith(folders))
        )


def export_app(
    bundle: Path | str,
    artifact: str,
    out: Path | str,
    *,
    title: str = "",
    runtime: str | None = None,
    pixels: str | tuple[float, float] | None = None,
    fields: Path | Sequence[str] | None = None,
    goldens: bool = True,
    force: bool = False,
) -> ExportedApp:
    """Write the folder ``out``: a page that loads the artifact and asks for what its contract says.

    ``pixels`` are the raw values of black and white (pictures), ``fields`` the labels of the form
    in the order of the inputs' elements, or a file with one a line. With ``goldens`` the page
    tests itself, and shows these items to everybody. An earlier export in ``out`` is replaced;
    with ``force`` other files there stay where they are, and one that has the name of a file of the
    site's is refused. Raises ``BadInput`` and ``UnknownName``
    for what a page can't do, ``MissingExtra`` without ``edgewright_web``, ``WriteFailed``.
    """
    from edgewright.web_app.contents import write_files
    from edgewright.web_app.runtime_files import web_files
    from edgewright.web_app.site import check_place, new_site

    out = Path(out)
    opened = Bundle.open(Path(bundle))
    asked = _Asked(title=title, runtime=runtime, pixels=pixels, fields=fields, goldens=goldens)
    app, notes = _describe(opened, artifact, asked)
    web = web_files()
    check_place(out, force=force)
    with new_site(out) as site:
        files = write_files(app, site, web)
    return ExportedApp(
        path=out,
        artifact=artifact,
        runtime=app.runtime,
        kind=app.kind,
        files=files,
        notes=notes,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """The options of ``export_app`` that decide what the site holds."""

    title: str
    runtime: str | None
    pixels: str | tuple[float, float] | None
    fields: Path | Sequence[str] | None
    goldens: bool


def _describe(bundle: Bundle, name: str, asked: _Asked) -> tuple[App, tuple[str, ...]]:
    """What the site is made of, and what its maker is told."""
    from edgewright.verbs.inspect import inspect_file
    from edgewright.web_app.contents import App
    from edgewright.web_app.form import choose_kind
    from edgewright.web_app.runtime_files import choose_runtime
    from edgewright_runtimes.contract import read_contract

    artifact = bundle.artifact(name)
    model = bundle.model_file(artifact)
    contract = read_contract(model)
    if contract is None:
        raise BadInput(f"{model} carries no contract", hint="convert again")
    refusals = inspect_file(model).web_runtimes
    runtime = choose_runtime(artifact, contract, refusals, asked.runtime)
    kind = choose_kind(contract)
    goldens = _goldens(bundle, artifact, contract)
    source = bundle.source
    app = App(
        title=asked.title or (Path(source.path).stem if source else name),
        kind=kind,
        artifact=replace(artifact, sha256=artifact_sha256(bundle, artifact)),
        contract=contract,
        model=model,
        runtime=runtime,
        goldens=goldens if asked.goldens else None,
        extra=_extra(kind, contract, goldens, asked),
    )
    return app, tuple(_notes(app, refusals))


def _goldens(bundle: Bundle, artifact: Artifact, contract: Contract) -> WebGoldens | None:
    from edgewright.web_app.goldens import pick

    if artifact.golden == "none" or not (bundle.path / "golden.npz").is_file():
        return None
    arrays = read_goldens(bundle.path / "golden.npz")
    inputs = [spec.name for spec in contract.inputs]
    return pick(arrays, inputs, real=artifact.golden == "real")


def _notes(app: App, refusals: Mapping[str, str]) -> Iterator[str]:
    from edgewright.web_app.runtime_files import RUNTIMES

    for name in RUNTIMES[app.artifact.format]:
        if name == app.runtime:
            break
        if refusals[name]:
            yield f"{app.runtime}, for {name} does not run it: {refusals[name]}"
    if app.goldens is None:
        yield "no goldens: the page has no self-test"
    elif app.goldens.real:
        yield f"the goldens are in the page: {app.goldens.count} items of your data, for all to see"
    else:
        yield "the goldens are random items: the self-test says little"


def _extra(
    kind: Kind, contract: Contract, goldens: WebGoldens | None, asked: _Asked
) -> dict[str, Any]:
    from edgewright.web_app.form import make_fields, read_names
    from edgewright.web_app.pixels import check_pixels, guess_pixels

    pixels, fields = asked.pixels, asked.fields
    if kind == "image":
        if fields is not None:
            raise BadInput("--fields names the boxes of a form; this model takes a picture")
        return {"pixels": list(guess_pixels(goldens) if pixels is None else check_pixels(pixels))}
    if pixels is not None:
        raise BadInput("--pixels is for pictures; this model takes a form")
    names = read_names(fields) if isinstance(fields, Path) else list(fields or ())
    return {"fields": make_fields(contract.inputs, names)}

"""Modules that do not come at the first try, as on a machine that is too busy for them."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest
from starlette.requests import Request
from starlette.responses import Response
from tests.browser.net_bundle import make_net_bundle

from edgewright.bundle import Bundle
from edgewright.latency.answers import Answers
from edgewright.targets.browser.options import BrowserOptions
from edgewright.targets.browser.target import BrowserTarget
from edgewright.targets.web.seats import Seat
from edgewright.targets.web.site import Site


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return make_net_bundle(tmp_path_factory.mktemp("modules") / "bundle")


class Dropping:
    """Files whose names begin so: each is there from the second time on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
        self.dropped: list[str] = []
        real, names_dropped = Site._own, self.dropped

        async def own(site: Site, request: Request, seat: Seat) -> Response:
            name = str(request.path_params["below"]).rpartition("/")[2]
            if name not in names_dropped and name.startswith(names):
                names_dropped.append(name)
                return Response(status_code=404)
            return await real(site, request, seat)

        monkeypatch.setattr(Site, "_own", own)


def last_row(target: BrowserTarget, bundle: Bundle, name: str, runtime: str, work: Path) -> object:
    artifact = bundle.artifact(name)
    job = {
        "job": "predict",
        "artifact": str(bundle.model_file(artifact).resolve()),
        "runtime": runtime,
        "threads": 1,
        "inputs": str(Answers(bundle, work).feeds(artifact)),
        "outputs": str(work / "outputs.npz"),
    }
    with closing(target.start(runtime, folder=work, limit_seconds=60)) as worker:
        return [row["row"] if row["row"] == "done" else row for row in worker.rows(job)][-1]


@pytest.mark.parametrize(
    ("runtime", "artifact", "names"),
    [
        ("tfjs-cpu", "tfjs-float32", ("worker.js", "serve.js")),
        ("tfjs-cpu", "tfjs-float32", ("tfjs_cpu-",)),
        ("ort-web-wasm", "onnx-float32", ("ort_wasm-", "ort-wasm-simd-threaded.mjs")),
    ],
)
def test_a_module_that_comes_at_the_second_try_costs_nothing(
    browser_name: str,
    bundle: Bundle,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    runtime: str,
    artifact: str,
    names: tuple[str, ...],
) -> None:
    dropping = Dropping(monkeypatch, *names)
    with closing(BrowserTarget(f"browser:{browser_name}", BrowserOptions())) as target:
        assert last_row(target, bundle, artifact, runtime, tmp_path) == "done"
    assert len(dropping.dropped) == len(names)


def test_what_a_module_imports_itself_may_come_late_too(
    browser_name: str, bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A browser keeps of each of them that it did not come, whatever imported it."""
    shared = shared_chunk("tfjs_cpu-")
    dropping = Dropping(monkeypatch, shared)
    with closing(BrowserTarget(f"browser:{browser_name}", BrowserOptions())) as target:
        assert last_row(target, bundle, "tfjs-float32", "tfjs-cpu", tmp_path) == "done"
    assert dropping.dropped == [shared]


def shared_chunk(name: str) -> str:
    """A file that the one of this name imports, and that neither page nor worker do before."""
    import edgewright_web

    app = edgewright_web.static() / "app"
    (chunk,) = app.glob(f"{name}*.js")
    early = "".join((app / file).read_text() for file in ("main.js", "serve.js"))
    found = [f.name for f in app.glob("chunk-*.js") if f.name in chunk.read_text()]
    return next(file for file in found if file not in early)

"""The address that a run prints, and what it is to run: a bundle of null artifacts."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.toolkit.bench_bundle import make_bundle

from edgewright.targets.page import crowd as crowd_module


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    (folder / "index.html").write_text("<!doctype html>")
    return folder


@pytest.fixture
def address(site: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], str]]:
    """The address that a run prints; its page is a small one of the test's own."""
    printed: list[str] = []
    real = crowd_module.invitation

    def keep(url: str, **more: object) -> str:
        printed.append(url)
        return real(url, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(crowd_module, "invitation", keep)
    monkeypatch.setattr("edgewright.targets.web.server.static_site", lambda: site)

    def wait() -> str:
        until = time.monotonic() + 20
        while not printed:
            assert time.monotonic() < until
            time.sleep(0.02)
        return printed[0]

    yield wait


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return make_bundle(tmp_path / "bundle").path

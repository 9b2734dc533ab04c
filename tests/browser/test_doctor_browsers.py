"""``doctor`` opens the page in each browser, and says what it offers."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.browser.conftest import NAMES, require_browser

from edgewright.verbs.doctor import doctor


def test_both_are_found_and_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    found = {f.what: f for f in doctor()}
    for name in map(require_browser, NAMES):
        line = found[f"browser:{name}"]
        assert line.state == "ok", line
        assert " (the system's), " in line.detail or " (Playwright's own), " in line.detail
        assert "web runtimes" in line.detail
    assert "tfjs-webgpu: " in found["browser:firefox"].detail

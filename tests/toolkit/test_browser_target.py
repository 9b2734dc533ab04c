"""Which program a browser's name stands for, and what is said where something is missing."""

from __future__ import annotations

from importlib import util
from pathlib import Path

import pytest

from edgewright.settings import Settings
from edgewright.targets.browser import host as host_module
from edgewright.targets.browser.finding import BROWSERS, find_browser
from edgewright.targets.browser.host import Host
from edgewright.targets.browser.options import BrowserOptions
from edgewright.targets.browser.processes import Marked
from edgewright.targets.browser.target import open_target
from edgewright.targets.web.runtimes import WEB_RUNTIMES
from edgewright.targets.web.tolerances import tolerance
from edgewright_converters.tolerances import TOLERANCES, judge
from edgewright_runtimes.errors import BadInput, MissingExtra, UnknownName, UsageError


def program(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of programs; nothing else is on the path."""
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    return tmp_path / "bin"


def test_the_named_comes_first_then_playwrights_then_the_systems(
    system: Path, tmp_path: Path
) -> None:
    chrome, chromium = program(system / "google-chrome"), program(system / "chromium")
    own, named = program(tmp_path / "own" / "chrome"), program(tmp_path / "mine")
    found = find_browser("chromium", named=named, own=own)
    assert (found.path, found.origin) == (named, "--browser-path")
    found = find_browser("chromium", named=None, own=own)
    assert (found.path, found.origin) == (own, "Playwright's own")
    found = find_browser("chromium", named=None, own=tmp_path / "not there")
    assert (found.path, found.origin) == (chromium, "the system's")
    chromium.unlink()
    assert find_browser("chromium", named=None, own=None).path == chrome
    # Playwright has no Chrome of its own: what it has is Chromium
    assert find_browser("chrome", named=None, own=own).path == chrome


@pytest.mark.parametrize("name", BROWSERS)
def test_a_missing_browser_is_one_line_that_says_what_to_type(system: Path, name: str) -> None:
    with pytest.raises(UsageError) as raised:
        find_browser(name, named=None, own=None)
    said = str(raised.value)
    assert "\n" not in said and said.startswith(f"no {name} is on this machine; ")
    assert f"apt install {BROWSERS[name].package}" in said
    assert "--browser-path PATH" in said and "edgewright doctor" in said
    assert (f"playwright install {name}" in said) == BROWSERS[name].own


def test_a_path_without_a_program_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no program")
    for path in (tmp_path / "text", tmp_path / "nothing", tmp_path):
        with pytest.raises(BadInput, match="no program is there"):
            find_browser("firefox", named=path, own=None)


def test_an_unknown_browser_is_named_before_anything_is_started() -> None:
    with pytest.raises(UnknownName, match="no browser named 'netscape'; known: chrome, chromium"):
        open_target("browser:netscape", Settings())


def test_without_the_extra_one_line_says_what_to_type(monkeypatch: pytest.MonkeyPatch) -> None:
    there = util.find_spec
    monkeypatch.setattr(
        util, "find_spec", lambda name: None if name == "playwright" else there(name)
    )
    with pytest.raises(MissingExtra) as raised:
        open_target("browser:chromium", Settings())
    said = str(raised.value)
    assert "pip install 'edgewright[browser]'" in said and "edgewright doctor" in said


@pytest.mark.parametrize("rate", [0.5, 0, -1, 1000, float("nan")])
def test_a_throttle_that_is_none_is_refused(rate: float) -> None:
    with pytest.raises(BadInput, match="1 \\(none\\) to 100"):
        BrowserOptions(cpu_throttle=rate)


def test_every_runtime_and_scheme_has_a_tolerance_that_widens_the_schemes_own() -> None:
    import numpy as np

    for name, row in WEB_RUNTIMES.items():
        for scheme in TOLERANCES if row.computes else ():
            limit = tolerance(name, scheme)
            assert 0 < limit.mean < limit.largest and limit.reason
            least = TOLERANCES[scheme].largest + 0.5 * limit.largest
            expected = {"y": np.tile(np.asarray([0.0, 1.0], np.float32), (100, 1))}
            off = {"y": expected["y"].copy()}
            off["y"][0, 0] = -least
            assert judge(scheme, expected, off, real=True).ok is False
            assert judge(scheme, expected, off, real=True, runtime=limit).ok is True


def test_the_harness_alone_has_none() -> None:
    with pytest.raises(KeyError):
        tolerance("null", "float32")
    with pytest.raises(UnknownName):
        tolerance("litert", "float32")


def test_within_a_round_the_machine_adds_its_sensors_to_the_pages_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    beside = Host(Marked()).beside
    monkeypatch.setattr(host_module, "ROOT", tmp_path)
    assert beside("during", {"seconds": 10.0}) == {"seconds": 10.0}  # which has none
    zone = tmp_path / "sys/class/thermal/thermal_zone0/temp"
    zone.parent.mkdir(parents=True)
    zone.write_text("48500\n")
    assert beside("during", {"seconds": 20.0}) == {"seconds": 20.0, "temperature_c": 48.5}

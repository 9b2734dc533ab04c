"""Real browsers: Chromium and Firefox, each skipped where the machine has none."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest

from edgewright.targets.browser.driving import DrivenBrowser
from edgewright.targets.browser.finding import BROWSERS
from edgewright.targets.browser.options import BrowserOptions

NAMES = ("chromium", "firefox")


def require_browser(name: str) -> str:
    row = BROWSERS[name]
    if not any(shutil.which(program) for program in row.programs):
        pytest.skip(f"no {name} on this machine (apt install {row.package})")
    return name


@pytest.fixture(
    scope="module", params=["chromium", pytest.param("firefox", marks=pytest.mark.slow)]
)
def browser_name(request: pytest.FixtureRequest) -> str:
    return require_browser(request.param)


@pytest.fixture(scope="module")
def driven(browser_name: str) -> Iterator[DrivenBrowser]:
    """A browser that the tests of a module share; one that died is started again."""
    browser = DrivenBrowser(browser_name, BrowserOptions())
    yield browser
    processes = browser.processes
    browser.close()
    assert not processes.members()

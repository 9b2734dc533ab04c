"""Exported apps as people meet them: axe finds nothing, and nothing is wider than the screen."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product
from typing import Literal

import pytest
from playwright.sync_api import Page
from tests.browser.accessibility import bring_axe, look
from tests.browser.conftest import require_browser
from tests.browser.exported_page import Browsers, browsers, opened, said, settle
from tests.browser.static_host import StaticHost, hosting
from tests.browser.test_export_app import DIGITS
from tests.toolkit.web_bundle import make_form_bundle

from edgewright import export_app

SIZES = ((390, 844), (1280, 800))
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
SOUNDLESS = "video-caption"  # asked of every video: a camera's picture has no sound to caption


def answered(page: Page) -> None:
    page.click("#example-list button")
    said(page, "#answer", contains="%")
    page.click("summary")


def filmed(page: Page) -> None:
    page.click("#camera")
    page.wait_for_selector("#shoot:visible")


def corrected(page: Page) -> None:
    page.click("text=Run the model")
    said(page, "#why-0", contains="missing")


def untouched(page: Page) -> None:
    del page


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StaticHost]:
    root = tmp_path_factory.mktemp("looks")
    export_app(DIGITS, "tfjs-uint8", root / "image", pixels=(16, 0), title="Handwritten digits")
    make_form_bundle(root / "bundle")
    export_app(root / "bundle", "onnx-float32", root / "form", title="A form")
    export_app(DIGITS, "tfjs-uint8", root / "broken", pixels=(16, 0))
    (root / "broken" / "model" / "model.json").unlink()
    with hosting(root) as host:
        yield host


@pytest.fixture(scope="module")
def running() -> Iterator[Browsers]:
    with browsers() as running:
        yield running


@pytest.mark.parametrize(
    ("site", "state"),
    [
        ("image", answered),
        ("image", filmed),
        ("form", corrected),
        ("form", answered),
        ("broken", untouched),
    ],
)
def test_full_marks(
    site: str, state: Callable[[Page], None], host: StaticHost, running: Browsers
) -> None:
    with opened(running[require_browser("chromium")]) as page:
        bring_axe(page)
        page.goto(f"{host.address}/{site}/")
        settle(page)
        state(page)
        for (width, height), scheme in product(SIZES, SCHEMES):
            page.set_viewport_size({"width": width, "height": height})
            page.emulate_media(color_scheme=scheme)
            seen = look(page)
            assert not seen.violations, (width, scheme)
            assert not [rule for rule in seen.incomplete if not rule.startswith(SOUNDLESS)]
            assert seen.passes > 20
            assert page.evaluate("() => document.scrollingElement.scrollWidth") <= width


def test_axe_is_awake(host: StaticHost, running: Browsers) -> None:
    with opened(running[require_browser("chromium")]) as page:
        bring_axe(page)
        page.goto(f"{host.address}/image/")
        settle(page)
        page.evaluate("() => document.documentElement.removeAttribute('lang')")
        assert look(page).violations[0].startswith("html-has-lang")


def test_everything_is_reached_by_the_keyboard(host: StaticHost, running: Browsers) -> None:
    with opened(running[require_browser("chromium")]) as page:
        page.goto(f"{host.address}/image/")
        settle(page)
        reached = set()
        for _ in range(20):
            page.keyboard.press("Tab")
            reached.add(
                page.evaluate("""() => {
                  const { id, tagName, textContent, ariaLabel } = document.activeElement;
                  return id || ariaLabel || tagName + " " + textContent.trim().slice(0, 12);
                }""")
            )
        assert {"file", "camera", "stretch", "Example 1", "Example 8"} <= reached
        assert "SUMMARY Item by item" in reached and "A Licences of " in reached
        page.focus("[aria-label='Example 2']")
        page.keyboard.press("Enter")
        assert "%" in said(page, "#answer", contains="%")

"""Exported apps in real browsers: each format answers, tests itself, and needs no network."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page
from tests.browser.conftest import require_browser
from tests.browser.exported_page import STORED, Browsers, browsers, opened, said, settle
from tests.browser.little_site import Beyond
from tests.browser.static_host import StaticHost, hosting
from tests.toolkit.web_bundle import make_form_bundle

from edgewright import export_app
from edgewright_runtimes import load

DIGITS = Path(__file__).parents[1] / "models" / "digits.edgewright"
ARTIFACTS = ("tflite-int8", "tflite-int8-io", "onnx-int8", "tfjs-uint8")
UNDER = "some/where"  # a site need not be at the root of its host


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("host")
    for name in ARTIFACTS:
        export_app(DIGITS, name, root / UNDER / name, pixels=(16, 0), title="Digits")
    return root


@pytest.fixture(scope="module")
def host(root: Path) -> Iterator[StaticHost]:
    with hosting(root) as host:
        yield host


@pytest.fixture(scope="module")
def running() -> Iterator[Browsers]:
    with browsers() as running:
        yield running


@pytest.fixture
def page(running: Browsers) -> Iterator[Page]:
    """Of Chromium: what differs from browser to browser is what the first test looks at."""
    with opened(running[require_browser("chromium")]) as page:
        yield page


@pytest.fixture(scope="module")
def goldens() -> dict[str, np.ndarray]:
    with np.load(DIGITS / "golden.npz", allow_pickle=False) as arrays:
        return {name: arrays[name] for name in arrays.files}


@pytest.mark.parametrize(
    ("browser", "name"),
    [
        *(("chromium", name) for name in ARTIFACTS),
        ("firefox", "tfjs-uint8"),
        pytest.param("firefox", "tflite-int8", marks=pytest.mark.slow),
        pytest.param("firefox", "onnx-int8", marks=pytest.mark.slow),
    ],
)
def test_each_format_answers_tests_itself_and_works_offline(
    browser: str, name: str, root: Path, running: Browsers, goldens: dict[str, np.ndarray]
) -> None:
    with hosting(root) as host, opened(running[require_browser(browser)]) as page:
        look_at(page, host, name, root)
        assert answers(page) == labels(goldens)
        host.close()
        page.reload()
        settle(page)
        assert said(page, "#verdict").startswith("Passed 8 of 8")
        assert answers(page) == labels(goldens)


def look_at(page: Page, host: StaticHost, name: str, root: Path) -> None:
    page.goto(f"{host.address}/{UNDER}/{name}/")
    settle(page)
    assert said(page, "#verdict").startswith("Passed 8 of 8, largest difference 0.0")
    assert said(page, "#offline") == STORED
    assert name in said(page, "#facts") and not page.is_visible("#state")
    files = json.loads((root / UNDER / name / "app.json").read_text())["files"]
    own = {f"/{UNDER}/{name}/{file}" for file in (*files, "app.json", "")}
    assert set(host.asked) <= own, "nothing but the site's own files is asked for"


def labels(goldens: dict[str, np.ndarray]) -> list[str]:
    return [str(digit) for digit in goldens["output/digit"].argmax(axis=1)]


def answers(page: Page) -> list[str]:
    """The best label for each of the examples."""
    found = []
    for button in page.query_selector_all("#example-list button"):
        page.evaluate("() => document.querySelector('#answer').replaceChildren()")
        button.click()
        found.append(said(page, "#answer", contains="%").split(",")[0])
    return found


def test_a_picture_is_answered_as_in_python(host: StaticHost, page: Page, tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    bytes_ = rng.integers(0, 256, (8, 8), dtype=np.uint8)
    Image.fromarray(bytes_).save(tmp_path / "picture.png")
    with load(DIGITS / "artifacts" / "onnx-int8") as model:
        scores = model.predict(16 - bytes_[..., None].astype(np.float32) * (16 / 255))
    page.goto(f"{host.address}/{UNDER}/onnx-int8/")
    settle(page)
    page.uncheck("#stretch")
    page.set_input_files("#file", tmp_path / "picture.png")
    best = f"{scores.argmax()}, {scores.max() * 100:.1f} %"
    assert said(page, "#answer", contains=best).strip() == best


def test_what_is_no_picture_is_said(host: StaticHost, page: Page, tmp_path: Path) -> None:
    (tmp_path / "x.png").write_text("no picture")
    page.goto(f"{host.address}/{UNDER}/tfjs-uint8/")
    settle(page)
    page.set_input_files("#file", tmp_path / "x.png")
    assert "can't read that file" in said(page, "#image-note", contains="can't")


def test_a_camera_gives_a_picture(host: StaticHost, page: Page) -> None:
    page.goto(f"{host.address}/{UNDER}/tfjs-uint8/")
    settle(page)
    page.click("#camera")
    page.wait_for_selector("#shoot:visible")
    while not page.evaluate("() => document.querySelector('video').videoWidth"):
        page.wait_for_timeout(50)
    page.click("#shoot")
    assert "%" in said(page, "#answer", contains="%")
    assert not page.is_visible("video") and page.is_visible("#camera")


def test_a_wrong_answer_fails_the_self_test(root: Path, page: Page) -> None:
    site = root / "wrong"
    shutil.copytree(root / UNDER / "tfjs-uint8", site)
    with np.load(site / "model" / "goldens.npz", allow_pickle=False) as stored:
        arrays = {name: stored[name] for name in stored.files}
    arrays["output/digit"] = np.roll(arrays["output/digit"], 1, axis=1)
    np.savez(site / "model" / "goldens.npz", **arrays)
    with hosting(root) as host:
        page.goto(f"{host.address}/wrong/")
        settle(page)
        assert said(page, "#verdict").startswith("Passed 0 of 8")
        # and a file that is not the exported one is not kept
        assert "missing or damaged" in said(page, "#offline", contains="missing")


def test_a_model_that_is_not_there_is_said(root: Path, page: Page) -> None:
    site = root / "lost"
    shutil.copytree(root / UNDER / "tfjs-uint8", site)
    (site / "model" / "model.json").unlink()
    with hosting(root) as host:
        page.goto(f"{host.address}/lost/")
        settle(page)
        assert "could not be loaded" in said(page, "#state", contains="could")
        assert not page.is_visible("#work")


TRY = """async (address) => {
  const code = `fetch("${address}", { mode: "no-cors" })` +
    `.then(() => postMessage("through"), () => postMessage("no"))`;
  const worker = new Worker(URL.createObjectURL(new Blob([code])));
  const said = new Promise((done) => (worker.onmessage = ({ data }) => done(data)));
  const image = new Promise((done) => {
    const made = new Image();
    made.onload = made.onerror = () => done(made.width ? "through" : "no");
    made.src = address;
  });
  const here = await fetch(address, { mode: "no-cors" }).then(() => "through", () => "no");
  return [here, await said, await image];
}"""


def test_page_and_worker_reach_no_other_place(host: StaticHost, page: Page) -> None:
    page.goto(f"{host.address}/{UNDER}/tfjs-uint8/")
    settle(page)
    with ExitStack() as stack:
        beyond = Beyond(stack)
        for place in beyond.addresses:
            assert page.evaluate(TRY, f"http://{place}/") == ["no", "no", "no"]
        assert not beyond.heard()


def test_a_newer_export_is_taken_when_the_visitor_says_so(root: Path, page: Page) -> None:
    site = root / "newer"
    export_app(DIGITS, "tfjs-uint8", site, pixels=(16, 0), title="The old one")
    with hosting(root) as host:
        page.goto(f"{host.address}/newer/")
        settle(page)
        export_app(DIGITS, "tfjs-uint8", site, pixels=(16, 0), title="The new one")
        page.reload()
        settle(page)
        assert said(page, "h1") == "The old one"
        assert "newer version" in said(page, "#offline", contains="newer")
        page.click("#offline button")
        page.wait_for_timeout(500)
        settle(page)
        assert said(page, "h1", contains="new") == "The new one"


def test_a_form_asks_for_numbers_and_answers(tmp_path: Path, page: Page) -> None:
    make_form_bundle(tmp_path / "bundle")
    names = ["height", "width", *"cdefgh"]
    export_app(tmp_path / "bundle", "onnx-float32", tmp_path / "site", fields=names)
    with np.load(tmp_path / "bundle" / "golden.npz", allow_pickle=False) as arrays:
        raw, scores = arrays["raw/x"], arrays["output/scores"]
    with hosting(tmp_path) as host:
        page.goto(f"{host.address}/site/")
        settle(page)
        assert said(page, "#verdict").startswith("Passed 6 of 6")
        for name, value in zip(names, raw[3], strict=True):
            page.get_by_label(name, exact=True).fill(str(value))
        page.get_by_label("width", exact=True).fill("wide")
        page.click("text=Run the model")
        assert said(page, "#why-1", contains="not") == "this is not a number"
        assert page.evaluate("() => document.activeElement.id") == "field-1"
        page.get_by_label("width", exact=True).fill(str(raw[3][1]).replace(".", ","))
        page.keyboard.press("Enter")
        best = ("cat", "dog", "fox")[int(scores[3].argmax())]
        assert said(page, "#answer", contains=best).startswith(best)
        assert said(page, "#why-1") == ""
        page.click("text=Example 2")
        best = ("cat", "dog", "fox")[int(scores[1].argmax())]
        assert said(page, "#answer", contains=best).startswith(best)
        shown = float(page.get_by_label("height", exact=True).input_value())
        assert np.float32(shown) == raw[1][0]

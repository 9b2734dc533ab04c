"""``--target page``: a real Chromium plays the phone, the command line is the real one."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import signal
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, Playwright, sync_playwright
from tests.browser.accessibility import bring_axe, look
from tests.browser.conftest import require_browser
from tests.toolkit.bench_bundle import make_bundle

from edgewright.bundle import Bundle
from edgewright.targets.browser.finding import BROWSERS
from edgewright.targets.web.server import PageServer

ADDRESS = re.compile(r"^ +(https?://\S+)$")
PATIENCE_SECONDS = 180.0  # on a machine that is busy with other tests
WORKING = re.compile("progress|timing|%", re.IGNORECASE)
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
QUICK = ("--preset", "smoke", "--seconds", "0.3", "--artifacts", "onnx-float32")


class Run:
    """``edgewright VERB DIR --target page`` in a process of its own."""

    def __init__(self, *words: str | Path) -> None:
        argv = [sys.executable, "-m", "edgewright", *map(str, words), "--target", "page"]
        self._process = subprocess.Popen(
            argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ
        )
        self.said: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            self.said.append(line.rstrip("\n"))

    @property
    def address(self) -> str:
        until = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < until:
            for line in self.said:
                if found := ADDRESS.match(line):
                    return found[1]
            assert self._process.poll() is None, self.said
            time.sleep(0.05)
        raise AssertionError(self.said)

    def interrupt(self) -> None:
        self._process.send_signal(signal.SIGINT)

    def ended(self, seconds: float = PATIENCE_SECONDS) -> tuple[int, str]:
        assert self._process.stdout is not None
        out, _ = self._process.communicate(timeout=seconds)
        return self._process.returncode, out

    def close(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.communicate()


Start = Callable[..., Run]


@pytest.fixture
def run() -> Iterator[Start]:
    with ExitStack() as stack:

        def start(*words: str | Path) -> Run:
            started = Run(*words)
            stack.callback(started.close)
            return started

        yield start


@pytest.fixture(scope="module")
def play() -> Iterator[Playwright]:
    require_browser("chromium")
    with sync_playwright() as play:
        yield play


@pytest.fixture(scope="module")
def chromium(play: Playwright) -> Iterator[Browser]:
    browser = launch(play, system_chromium())
    yield browser
    browser.close()


def system_chromium() -> str:
    return next(filter(None, map(shutil.which, BROWSERS["chromium"].programs)))


def launch(play: Playwright, program: str) -> Browser:
    return play.chromium.launch(executable_path=program, headless=True, args=FLAGS)


@contextmanager
def phone(play: Playwright, browser: Browser, **more: object) -> Iterator[Page]:
    """A page as a phone has it: small, touched, and called a Pixel 7."""
    context = browser.new_context(**{**play.devices["Pixel 7"], **more})  # type: ignore[arg-type]
    context.set_default_timeout(PATIENCE_SECONDS * 1e3)
    try:
        yield context.new_page()
    finally:
        context.close()


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return make_bundle(tmp_path / "bundle").path


def begin(page: Page, address: str, name: str = "") -> None:
    page.goto(address)
    page.wait_for_selector("#asking button")
    if name:
        page.fill("#asking input", name)
    page.tap("#asking button")


def words_at_the_end(page: Page) -> str:
    page.get_by_text("Done.").wait_for()
    return page.inner_text("body")


def test_from_the_address_to_the_rows(
    run: Start, play: Playwright, chromium: Browser, bundle: Path
) -> None:
    started = run("bench", bundle, *QUICK, "--runtime", "ort-web-wasm", "--json")
    requests: list[str] = []
    with phone(play, chromium) as page:
        page.on("request", lambda request: requests.append(request.url))
        bring_axe(page)
        page.goto(started.address)
        page.wait_for_selector("#asking button")
        assert_accessible(page)
        asked = page.inner_text("#asking")
        assert "onnx-float32 in ort-web-wasm" in asked and "Timing, 0.3 s" in asked
        assert "one thread" not in asked
        page.fill("#asking input", "My Phone")
        page.tap("#asking button")
        assert "The results are on the computer" in words_at_the_end(page)
        assert_accessible(page)
    origin = started.address.rsplit("/", 2)[0]
    assert [u for u in requests if not u.startswith((origin, f"blob:{origin}", "data:"))] == []
    code, out = started.ended()
    assert code == 0, (out, started.said)
    (row,) = [r for r in json.loads(out)["rows"] if r["artifact"] == "onnx-float32"]
    assert row["target"] == "page:my-phone"
    assert row["in_force"]["device"] == "my-phone" and row["in_force"]["isolated"] == "yes"
    assert "Android" in row["in_force"]["browser"]
    assert row["summary"]["median_ns"] > 0
    around = Bundle.open(bundle).measurements()[0].before
    assert "Android" in str(around["device"]) and around["platform"]
    assert {"device", "platform"}.isdisjoint(str(around["unknown"]).split(","))


def assert_accessible(page: Page) -> None:
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        seen = look(page)
        assert not seen.violations and not seen.incomplete, scheme
        assert seen.passes > 10


@pytest.mark.slow
def test_a_reload_in_the_middle_goes_on(
    run: Start, play: Playwright, chromium: Browser, bundle: Path
) -> None:
    words = ("--preset", "smoke", "--seconds", "4", "--artifacts", "onnx-float32")
    started = run("bench", bundle, *words, "--runtime", "null")
    with phone(play, chromium) as page:
        begin(page, started.address, "x")
        page.get_by_text(WORKING).first.wait_for()
        time.sleep(0.7)
        page.reload()
        words_at_the_end(page)
    code, out = started.ended()
    assert code == 0, (out, started.said)
    rounds = Bundle.open(bundle).measurements()
    assert rounds and not any(r.partial for r in rounds)
    assert {r.target for r in rounds} == {"page:x"}


@pytest.mark.slow
def test_an_interrupt_keeps_what_was_measured(
    run: Start, play: Playwright, chromium: Browser, bundle: Path
) -> None:
    words = ("--preset", "smoke", "--seconds", "16", "--artifacts", "onnx-float32")
    started = run("bench", bundle, *words, "--runtime", "null")
    with phone(play, chromium) as page:
        begin(page, started.address, "x")
        page.get_by_text(WORKING).first.wait_for()
        time.sleep(3)
        started.interrupt()
        code, out = started.ended()
    assert code == 130 and "interrupted; what was measured is kept" in out
    (record,) = Bundle.open(bundle).measurements()
    assert record.partial and record.target == "page:x"


@pytest.mark.slow
def test_two_tabs_of_two_people(
    run: Start, play: Playwright, chromium: Browser, bundle: Path
) -> None:
    started = run("bench", bundle, *QUICK, "--runtime", "null", "--devices", "2")
    with phone(play, chromium) as first, phone(play, chromium) as second:
        begin(first, started.address, "one")
        begin(second, started.address, "two")
        words_at_the_end(first)
        words_at_the_end(second)
    assert started.ended()[0] == 0
    found = {r.target for r in Bundle.open(bundle).measurements()}
    assert found == {"page:one", "page:two"}


def test_a_page_of_another_protocol_is_told_to_reload(
    play: Playwright, chromium: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edgewright.targets.web.site.PROTOCOL", 2)
    with PageServer() as server, phone(play, chromium) as page:
        seat = server.open_seat()
        page.goto(server.url(seat))
        page.get_by_text("Reload").wait_for()


# Through TLS, from another network

NAMESPACE, HOST_END, PHONE_END = "ewphone", "ewhost0", "ewphone0"
HOST, PHONE = "10.213.7.1", "10.213.7.2"


@pytest.fixture
def namespace() -> Iterator[str]:
    """A network of the phone's own, with a cable to this one; the command that runs inside."""
    if os.geteuid() != 0 or not shutil.which("ip"):
        pytest.skip("network namespaces need root and ip")

    def ip(*words: str) -> None:
        subprocess.run(["ip", *words], check=True, capture_output=True, text=True)

    def clear() -> None:
        for words in (("netns", "del", NAMESPACE), ("link", "del", HOST_END)):
            subprocess.run(["ip", *words], check=False, capture_output=True)

    clear()
    try:
        ip("netns", "add", NAMESPACE)
        ip("link", "add", HOST_END, "type", "veth", "peer", "name", PHONE_END)
        ip("link", "set", PHONE_END, "netns", NAMESPACE)
        ip("addr", "add", f"{HOST}/30", "dev", HOST_END)
        ip("link", "set", HOST_END, "up")
        ip("-n", NAMESPACE, "addr", "add", f"{PHONE}/30", "dev", PHONE_END)
        ip("-n", NAMESPACE, "link", "set", PHONE_END, "up")
        ip("-n", NAMESPACE, "link", "set", "lo", "up")
    except subprocess.CalledProcessError as e:
        clear()
        pytest.skip(f"network namespaces are not permitted here: {e.stderr.strip()}")
    yield NAMESPACE
    clear()


@pytest.fixture
def far_chromium(play: Playwright, namespace: str, tmp_path: Path) -> Iterator[Browser]:
    program = tmp_path / "chromium"
    program.write_text(f'#!/bin/sh\nexec ip netns exec {namespace} {system_chromium()} "$@"\n')
    program.chmod(0o755)
    browser = launch(play, str(program))
    yield browser
    browser.close()


@pytest.mark.slow
def test_a_phone_on_the_network_through_tls(
    run: Start, play: Playwright, far_chromium: Browser, bundle: Path
) -> None:
    words = (*QUICK, "--runtime", "ort-web-wasm", "--listen", HOST, "--json")
    started = run("bench", bundle, *words)
    address = started.address
    assert address.startswith(f"https://{HOST}:")
    with (
        phone(play, far_chromium) as page,
        pytest.raises(Exception, match="CERT_AUTHORITY_INVALID"),
    ):
        page.goto(address)
    with phone(play, far_chromium, ignore_https_errors=True) as page:
        page.goto(address)
        page.wait_for_selector("#asking button")
        assert page.evaluate("crossOriginIsolated && isSecureContext") is True
        assert fingerprint(address) in "".join(started.said).replace(" ", "")
        page.tap("#asking button")
        words_at_the_end(page)
    code, out = started.ended()
    assert code == 0, (out, started.said)
    (row,) = [r for r in json.loads(out)["rows"] if r["artifact"] == "onnx-float32"]
    assert row["in_force"]["isolated"] == "yes"
    assert any(f"({PHONE}) begins" in line for line in started.said)


def fingerprint(address: str) -> str:
    """Of the certificate that the server shows, as openssl would have it."""
    parts = urlsplit(address)
    pem = ssl.get_server_certificate((str(parts.hostname), int(parts.port or 0)))
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).digest().hex(":").upper()


@pytest.mark.slow
def test_without_tls_there_is_one_thread_and_it_is_said(
    run: Start, play: Playwright, far_chromium: Browser, bundle: Path
) -> None:
    words = (*QUICK, "--runtime", "ort-web-wasm", "--listen", f"http://{HOST}", "--threads", "2")
    started = run("bench", bundle, *words, "--json")
    with phone(play, far_chromium) as page:
        page.goto(started.address)
        page.wait_for_selector("#asking button")
        assert "everything runs in one thread" in page.inner_text("#asking")
        page.tap("#asking button")
        words_at_the_end(page)
    code, out = started.ended()
    assert code == 0, (out, started.said)
    (row,) = [r for r in json.loads(out)["rows"] if r["artifact"] == "onnx-float32"]
    assert (row["in_force"]["isolated"], row["in_force"]["threads"]) == ("no", "1")
    assert any("one thread" in line for line in started.said)


@pytest.mark.slow
def test_a_cut_cable_and_its_mending(
    run: Start, play: Playwright, far_chromium: Browser, bundle: Path
) -> None:
    """The link is down for eight seconds in the middle of a round, and the run ends well."""
    words = ("--preset", "smoke", "--seconds", "12", "--artifacts", "onnx-float32")
    started = run("bench", bundle, *words, "--runtime", "null", "--listen", HOST)
    with phone(play, far_chromium, ignore_https_errors=True) as page:
        begin(page, started.address, "x")
        page.get_by_text(WORKING).first.wait_for()
        time.sleep(2)
        subprocess.run(["ip", "link", "set", HOST_END, "down"], check=True)
        time.sleep(8)
        subprocess.run(["ip", "link", "set", HOST_END, "up"], check=True)
        words_at_the_end(page)
    code, out = started.ended()
    assert code == 0, (out, started.said)
    rounds = Bundle.open(bundle).measurements()
    assert rounds and not any(r.partial for r in rounds)


@pytest.mark.slow
def test_only_the_named_address_listens(run: Start, namespace: str, bundle: Path) -> None:
    started = run("bench", bundle, *QUICK, "--listen", HOST)
    port = int(started.address.split(":")[2].split("/")[0])
    listening = subprocess.run(["ss", "-ltnH"], check=True, capture_output=True, text=True).stdout
    bound = [line.split()[3] for line in listening.splitlines() if f":{port} " in line]
    assert bound == [f"{HOST}:{port}"]
    started.interrupt()
    assert started.ended()[0] == 130

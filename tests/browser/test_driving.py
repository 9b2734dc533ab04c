"""A browser is opened, watched and ended; nothing leaves the machine, and nothing stays behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from tests.browser.in_page import evaluate
from tests.browser.little_site import Beyond, pids_of, serving, ticks_of

from edgewright.targets.browser.driving import DrivenBrowser, OpenPage
from edgewright.targets.browser.flags import ADDRESS_BAR, OFF_IN_PLAYWRIGHT
from edgewright.targets.browser.loop import BrowserTrouble
from edgewright.targets.browser.options import BrowserOptions
from edgewright.targets.browser.processes import VARIABLE, Marked
from edgewright_runtimes.errors import UsageError

NOTICED_SECONDS = 10.0  # a second on a machine that is not busy with other tests
TRY_ALL = """async ([hosts, stun]) => {
  const said = [];
  const note = (what) => [() => said.push(what + " CAME THROUGH"), () => said.push(what + " no")];
  for (const host of hosts) {
    await fetch(`http://${host}/`, { mode: "no-cors" }).then(...note("fetch " + host));
    // a socket to the server's own address is the page's security policy's to refuse: here is none
    if (!host.startsWith("127.0.0.1:")) await new Promise((done) => {
      const [yes, no] = note("socket " + host);
      const socket = new WebSocket(`ws://${host}/`);
      socket.onopen = () => done(yes());
      socket.onerror = () => done(no());
    });
    await new Promise((done) => {
      const [yes, no] = note("image " + host);
      const image = new Image();
      image.onload = () => done(yes());
      image.onerror = () => done(no());
      image.src = `http://${host}/picture`;
    });
  }
  const code = `fetch("http://${hosts[0]}/w", { mode: "no-cors" })` +
    `.then(() => postMessage("CAME THROUGH"), () => postMessage("no"))`;
  said.push("worker " + await new Promise((done) => {
    const worker = new Worker(URL.createObjectURL(new Blob([code])));
    worker.onmessage = (event) => done(event.data);
  }));
  if (typeof RTCPeerConnection !== "undefined") {
    const line = new RTCPeerConnection({ iceServers: [{ urls: "stun:" + stun }] });
    line.createDataChannel("x");
    await line.setLocalDescription(await line.createOffer());
    await new Promise((done) => setTimeout(done, 1000));
  }
  return said;
}"""

SPIN = "() => { let x = 1; for (let i = 0; i < 1e9; i++) x = Math.imul(x, 48271) ^ i; return x; }"


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    with serving() as url:
        yield url


@pytest.fixture
def page(driven: DrivenBrowser, site: str) -> Iterator[OpenPage]:
    opened = driven.open_page(site)
    yield opened
    opened.close()


@pytest.mark.parametrize("browser_name", ["chromium"], indirect=True)
def test_a_chromium_has_off_what_playwright_has_off_and_no_page_but_ours(
    driven: DrivenBrowser, page: OpenPage
) -> None:
    commands = [
        Path(f"/proc/{pid}/cmdline").read_bytes().decode().replace(" ", "\0").split("\0")
        for pid in driven.processes.members()
    ]
    main = next(words for words in commands if not any(w.startswith("--type=") for w in words))
    lists = [w.partition("=")[2].split(",") for w in main if w.startswith("--disable-features=")]
    assert len(lists) == 2  # Playwright's own, and ours, which alone counts
    assert set(lists[0]) == set(OFF_IN_PLAYWRIGHT)
    assert set(lists[1]) == {*OFF_IN_PLAYWRIGHT, *ADDRESS_BAR}
    assert not [words for words in commands if "--top-chrome-webui" in words]


def gone(page: OpenPage) -> str:
    until = time.monotonic() + NOTICED_SECONDS
    while not page.gone and time.monotonic() < until:
        time.sleep(0.02)
    return page.gone


def test_no_request_leaves_the_machine(page: OpenPage) -> None:
    with ExitStack() as stack:
        beyond = Beyond(stack)
        hosts = [*beyond.addresses, "[::1]:80", "example.org"]
        said = evaluate(page, TRY_ALL, [hosts, beyond.udp_address], limit_seconds=60)
        assert beyond.heard() == []
    assert len(said) == 3 * len(hosts)
    assert not [line for line in said if "CAME THROUGH" in line]
    assert len(page.outside) >= 2 * len(hosts)


def test_without_the_route_guard_the_browser_itself_refuses(
    driven: DrivenBrowser, site: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def allow(self: OpenPage, route: object) -> None:
        await route.continue_()  # type: ignore[attr-defined]

    monkeypatch.setattr(OpenPage, "_refuse", allow)
    with ExitStack() as stack, closing(driven.open_page(site)) as page:
        beyond = Beyond(stack)
        # another port of the server's own address is what the page's security policy refuses
        hosts = [*beyond.addresses[::2], "[::1]:80", "example.org"]
        said = evaluate(page, TRY_ALL, [hosts, beyond.udp_address], limit_seconds=60)
        assert beyond.heard() == []
    assert not [line for line in said if "CAME THROUGH" in line]


def test_each_page_has_a_context_of_its_own(driven: DrivenBrowser, site: str) -> None:
    with closing(driven.open_page(site)) as first:
        evaluate(first, "() => localStorage.setItem('left', 'behind')", limit_seconds=20)
    with closing(driven.open_page(site)) as second:
        assert evaluate(second, "() => localStorage.getItem('left')", limit_seconds=20) is None


def test_what_hangs_ends_at_its_limit(driven: DrivenBrowser, site: str) -> None:
    page = driven.open_page(site)
    with pytest.raises(BrowserTrouble, match="no answer within 1 s"):
        evaluate(page, "() => { for (;;); }", limit_seconds=1)
    page.close()
    if page.stuck:
        driven.stop()
    with closing(driven.open_page(site)) as next_one:
        assert evaluate(next_one, "() => 1 + 1", limit_seconds=20) == 2


def test_a_tab_that_is_killed_is_noticed(driven: DrivenBrowser, page: OpenPage, site: str) -> None:
    before = {pid: ticks_of(pid) for pid in pids_of(driven.processes, "tab")}
    evaluate(page, SPIN, limit_seconds=60)
    os.kill(max(before, key=lambda pid: ticks_of(pid) - before[pid]), signal.SIGKILL)
    assert gone(page).startswith(("the tab ", "the browser "))  # Firefox ends with its first tab
    page.close()
    with closing(driven.open_page(site)) as next_one:
        assert not next_one.gone


def test_a_browser_that_is_killed_is_noticed_and_started_again(
    driven: DrivenBrowser, page: OpenPage, site: str
) -> None:
    starts = driven.starts
    before = driven.processes.members().keys()
    (main,) = pids_of(driven.processes, "main")
    os.kill(main, signal.SIGKILL)
    assert gone(page).startswith("the browser ended")
    with closing(driven.open_page(site)) as next_one:
        assert evaluate(next_one, "() => 1 + 1", limit_seconds=20) == 2
    assert driven.starts == starts + 1
    assert not before & driven.processes.members().keys()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_no_process_is_left_when_ours_ends(
    browser_name: str, site: str, number: signal.Signals, tmp_path: Path
) -> None:
    script = f"""
import sys, time
from edgewright.targets.browser.driving import DrivenBrowser
from edgewright.targets.browser.options import BrowserOptions
browser = DrivenBrowser({browser_name!r}, BrowserOptions())
try:
    browser.open_page({site!r})
    print(browser.processes.mark, flush=True)
    time.sleep(60)
finally:
    browser.close()
"""
    ours = subprocess.Popen(
        [sys.executable, "-c", script],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        text=True,
    )
    assert ours.stdout is not None
    with ours.stdout:
        left = Marked(mark=ours.stdout.readline().strip())
    left.remember()
    try:
        assert left.members()
        os.killpg(ours.pid, number)  # as a terminal does it: to all of the group
        ours.wait(timeout=30)
        until = time.monotonic() + NOTICED_SECONDS
        while left.members() and time.monotonic() < until:
            time.sleep(0.05)
        assert not left.members()
    finally:
        left.end()


def test_a_browser_that_does_not_start_says_so(tmp_path: Path) -> None:
    program = tmp_path / "browser"
    program.write_text("#!/bin/sh\necho no display >&2\nexit 1\n")
    program.chmod(0o755)
    browser = DrivenBrowser("chromium", BrowserOptions(path=program))
    with closing(browser), pytest.raises(BrowserTrouble, match=f"{program} does not start"):
        browser.open_page("http://127.0.0.1:9/")


def test_firefox_can_not_be_throttled() -> None:
    with pytest.raises(UsageError, match="no CPU throttling"):
        DrivenBrowser("firefox", BrowserOptions(cpu_throttle=4))


def test_throttling_slows_the_page_down(site: str) -> None:
    from tests.browser.conftest import require_browser

    work = """() => {
      const start = performance.now(); let x = 1;
      for (let i = 0; i < 3e7; i++) x = Math.imul(x, 48271) ^ i;
      return [performance.now() - start, x];
    }"""
    took = {}
    for rate in (1, 20):
        options = BrowserOptions(cpu_throttle=rate)
        with closing(DrivenBrowser(require_browser("chromium"), options)) as browser:
            page = browser.open_page(site)
            took[rate] = min(evaluate(page, work, limit_seconds=60)[0] for _ in range(3))
    assert took[20] > 3 * took[1]


def test_the_mark_is_in_the_environment() -> None:
    marked = Marked()
    assert marked.environment[VARIABLE] == marked.mark != Marked().mark
    assert not marked.members()

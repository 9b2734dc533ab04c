"""A phone that a client here plays, and the run that it comes to."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
from tests.toolkit.page_client import DONE, FIRST, SAMPLES, Page, npy

from edgewright.verbs.bench import BenchResult, bench

ANDROID = (
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/150.0.0.0 Mobile Safari/537.36"
)
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like "
    "Gecko) Version/18.5 Mobile/15E148 Safari/604.1"
)


class Device(threading.Thread):
    """A phone: opens the address, taps, and does every job with times of its own."""

    def __init__(self, url: str, *, label: str = "", time_ns: int = 1_000_000) -> None:
        super().__init__(daemon=True)
        self.url, self.label, self.time_ns = url, label, time_ns
        self.asked: dict[str, object] = {}
        self.shown: list[str] = []
        self.words = ""
        self.tap = threading.Event()
        self.tap.set()
        self.agent = ANDROID

    def open(self) -> Page:
        door = Page(self.url)
        reply = door.ask("GET", "", headers={"User-Agent": self.agent})
        assert reply.status == 303, reply
        return Page(f"http://{door.host}:{door.port}/{reply.headers['location'].strip('./')}/")

    def run(self) -> None:
        page, have = self.open(), ""
        while True:
            reply = page.ask("GET", f"job?have={have}")
            if reply.status == 410:
                self.words = reply.json()["words"]
                return
            if reply.status == 204:
                continue
            job = reply.json()
            have = job["id"]
            self.do(page, job)

    def do(self, page: Page, job: dict[str, object]) -> None:
        me = str(job["id"])
        match job["job"]:
            case "probe":
                offered = {"null": "", "tfjs-wasm": "", "ort-web-wasm": "", "litertjs-wasm": "",
                           "tfjs-webgl": "no WebGL"}  # fmt: skip
                page.rows(me, {"row": "probe", "values": {"runtimes": offered}}, DONE)
            case "ask":
                self.asked = dict(job)
                threading.Thread(target=self.allow, args=(page, me), daemon=True).start()
            case "bench":
                self.shown.append(str(job["shown"]))
                self.measure(page, me)

    def allow(self, page: Page, me: str) -> None:
        if self.tap.wait(30):
            page.rows(me, {"row": "ready", "label": self.label}, DONE)

    def measure(self, page: Page, me: str) -> None:
        page.put(f"out/{me}/samples", npy(np.full(40, self.time_ns, np.int64)))
        environment = {"row": "environment", "values": {"cores": 8}}
        loaded = {"row": "loaded", "load_ns": 9, "in_force": {"threads": "1"}, "inputs": [],
                  "outputs": []}  # fmt: skip
        during = {**environment, "when": "during", "values": {"seconds": 0.1}}
        page.rows(me, {**environment, "when": "before"}, loaded, FIRST, during, SAMPLES,
                  {**environment, "when": "after"}, DONE)  # fmt: skip


class Bench(threading.Thread):
    """``bench --target page`` of a bundle of null artifacts."""

    def __init__(self, bundle: Path, **options: object) -> None:
        super().__init__(daemon=True)
        self._bundle, self._options = bundle, options
        self.result: BenchResult | None = None
        self.error: BaseException | None = None

    def run(self) -> None:
        try:
            self.result = bench(
                self._bundle, target="page", runtimes=["null"], preset="smoke", seconds=0.1,
                **self._options,
            )  # type: ignore[arg-type] # fmt: skip
        except BaseException as e:
            self.error = e

    def ended(self) -> BenchResult:
        self.join(60)
        assert not self.is_alive()
        if self.error is not None:
            raise self.error
        assert self.result is not None
        return self.result

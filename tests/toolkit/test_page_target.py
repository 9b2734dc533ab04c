"""The target ``page``: what is typed, what is printed, and devices that a client here plays."""

from __future__ import annotations

import hashlib
import io
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
import segno
from tests.toolkit.bench_bundle import make_bundle
from tests.toolkit.page_client import DONE, FIRST, SAMPLES, Page, npy, npz

from edgewright.accuracy.results import CheckResult
from edgewright.accuracy.stored import files_for
from edgewright.bundle import Bundle
from edgewright.data import open_data
from edgewright.settings import Settings
from edgewright.targets.page import crowd as crowd_module
from edgewright.targets.page.certificate import make_certificate
from edgewright.targets.page.crowd import PageCrowd, open_crowd
from edgewright.targets.page.invitation import invitation
from edgewright.targets.page.labels import label_of, slug, unused
from edgewright.targets.page.options import PageOptions, page_options
from edgewright.targets.target import Crowd, Target, open_places, open_target, parse_targets
from edgewright.targets.web.seats import Seat
from edgewright.targets.web.server import PageServer
from edgewright.verbs.bench import BenchResult, bench
from edgewright.verbs.check import check
from edgewright_runtimes.errors import BadInput, EdgewrightError, UsageError
from edgewright_runtimes.preprocess import Preprocess
from edgewright_runtimes.records import SourceInfo, TensorSpec

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
        page.rows(me, {**environment, "when": "before"}, loaded, FIRST, SAMPLES,
                  {**environment, "when": "after"}, DONE)  # fmt: skip


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    (folder / "index.html").write_text("<!doctype html>")
    return folder


@pytest.fixture
def server(site: Path) -> Iterator[PageServer]:
    with PageServer(site=site) as running:
        yield running


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


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return make_bundle(tmp_path / "bundle").path


def test_a_device_from_its_tap_to_its_rows(bundle: Path, address: Callable[[], str]) -> None:
    run = Bench(bundle)
    run.start()
    phone = Device(address(), label="Anna's Pixel 7")
    phone.start()
    result = run.ended()
    phone.join(10)
    assert {row.target for row in result.rows} == {"page:anna-s-pixel-7"}
    assert result.exit_code == 0 and result.measured_rounds > 0
    assert phone.asked["label"] == "chrome-android"
    assert "Timing, 0.1 s for each" in str(phone.asked["what"])
    assert all(" in null" in line for line in phone.asked["lines"])  # type: ignore[attr-defined]
    assert all(words.startswith("Timing ") for words in phone.shown)
    assert phone.words == "Done. The results are on the computer that asked."
    row = result.rows[0]
    assert row.in_force == {"threads": "1", "device": "anna-s-pixel-7"}
    assert row.environment["cores"] == 8


def test_two_devices_at_once_have_their_own_rows(bundle: Path, address: Callable[[], str]) -> None:
    run = Bench(bundle, page=PageOptions(devices=2))
    run.start()
    slow, fast = (Device(address(), time_ns=t) for t in (8_000_000, 1_000_000))
    fast.tap.clear()
    slow.start()
    fast.start()
    while not slow.shown:
        time.sleep(0.01)
    fast.tap.set()  # while the other one runs
    result = run.ended()
    medians = {row.target: row.summary.median_ns for row in result.rows}
    assert set(medians) == {"page:chrome-android", "page:chrome-android-2"}
    assert sorted(medians.values()) == [1_000_000, 8_000_000]


def test_who_only_looked_is_sent_away(bundle: Path, address: Callable[[], str]) -> None:
    run = Bench(bundle)
    run.start()
    idle, phone = Device(address()), Device(address())
    idle.tap.clear()
    idle.start()
    while not idle.asked:
        time.sleep(0.01)
    phone.start()
    assert run.ended().exit_code == 0
    idle.join(10)
    assert idle.words == "The run is over."


def test_a_device_that_can_not_be_asked_is_named_and_told(
    bundle: Path, address: Callable[[], str], capsys: pytest.CaptureFixture[str]
) -> None:
    class Broken(Device):
        def do(self, page: Page, job: dict[str, object]) -> None:
            error = {"row": "failure", "stage": "load", "error": "no WebAssembly", "hint": ""}
            page.rows(str(job["id"]), error)

    run = Bench(bundle)
    run.start()
    broken, phone = Broken(address()), Device(address(), label="good")
    broken.start()
    broken.join(20)
    assert broken.words == "Nothing runs here: no WebAssembly"
    phone.start()
    assert {row.target for row in run.ended().rows} == {"page:good"}
    said = capsys.readouterr().err
    assert "page:chrome-android (127.0.0.1) is left out: no WebAssembly" in said


def test_a_hostile_device_spoils_its_own_rows_alone(
    bundle: Path, address: Callable[[], str]
) -> None:
    class Hostile(Device):
        def measure(self, page: Page, me: str) -> None:
            page.ask("POST", f"rows/{me}", b'{"protocol":1,"seq":0,"row":"loaded"}')

    run = Bench(bundle, page=PageOptions(devices=2))
    run.start()
    phones = [Hostile(address(), label="bad"), Device(address(), label="good")]
    for phone in phones:
        phone.start()
    result = run.ended()
    assert {row.target for row in result.rows} == {"page:good"}
    assert {f.target for f in result.failures} == {"page:bad"}
    assert all(f.stage == "transport" and "refused" in f.error for f in result.failures)
    assert result.exit_code == 3
    assert {f.target for f in Bundle.open(bundle).failures()} == {"page:bad"}


def test_a_device_that_scans_twice_keeps_its_seat(bundle: Path, address: Callable[[], str]) -> None:
    run = Bench(bundle)
    run.start()
    phone = Device(address())
    door = Page(phone.url)
    first = door.ask("GET", "")
    cookie = first.headers["set-cookie"].split(";")[0]
    assert "HttpOnly" in first.headers["set-cookie"]
    again = door.ask("GET", "", headers={"Cookie": cookie})
    other = door.ask("GET", "")
    assert again.headers["location"] == first.headers["location"] != other.headers["location"]
    phone.start()
    run.ended()


def test_a_device_whose_seat_is_closed_gets_a_new_one(server: PageServer) -> None:
    opened: list[Seat] = []

    def open_seat(address: str, user_agent: str) -> Seat:
        opened.append(server.open_seat())
        return opened[-1]

    door = Page(server.url(server.open_door(open_seat)))
    cookie = door.ask("GET", "").headers["set-cookie"].split(";")[0]
    opened[0].close("Done.")
    again = door.ask("GET", "", headers={"Cookie": cookie})
    assert len(opened) == 2 and opened[1].token in again.headers["location"]


def test_a_door_does_not_open_for_ever(bundle: Path, address: Callable[[], str]) -> None:
    run = Bench(bundle)
    run.start()
    phone = Device(address())
    page = phone.open()
    replies = [Page(phone.url).ask("GET", "").status for _ in range(12)]
    assert replies.count(303) == crowd_module.MAX_OF_ADDRESS - 1
    assert replies[-1] == 503
    phone.open = lambda: page  # type: ignore[method-assign]
    phone.start()
    assert run.ended().exit_code == 0


def test_an_error_of_a_device_is_raised_where_nothing_was_measured(site: Path) -> None:
    crowd = PageCrowd("page", PageOptions())

    def fail(target: Target) -> None:
        raise EdgewrightError(f"{target.name} can't")

    with pytest.raises(EdgewrightError, match="page:safari-iphone can't"):
        gather(crowd, fail, site, IPHONE)


def test_a_bug_shows_itself(site: Path) -> None:
    def fail(target: Target) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        gather(PageCrowd("page", PageOptions()), fail, site, ANDROID)


def gather(
    crowd: PageCrowd, do: Callable[[Target], None], site: Path, agent: str
) -> Sequence[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("edgewright.targets.web.server.static_site", lambda: site)
        urls: list[str] = []
        patch.setattr(crowd_module, "invitation", lambda url, **_: urls.append(url) or url)

        def come() -> None:
            while not urls:
                time.sleep(0.01)
            phone = Device(urls[0])
            phone.agent = agent
            phone.run()

        threading.Thread(target=come, daemon=True).start()
        try:
            return crowd.each(do, what="x", shown=lambda target: [])
        finally:
            crowd.close()


@pytest.mark.parametrize(
    ("typed", "address", "port", "plain"),
    [
        ("", "127.0.0.1", 0, False),
        ("192.168.1.7", "192.168.1.7", 0, False),
        ("192.168.1.7:8443", "192.168.1.7", 8443, False),
        ("http://192.168.1.7:80/", "192.168.1.7", 80, True),
        ("https://192.168.1.7", "192.168.1.7", 0, False),
        ("[fd00::7]:8443", "fd00::7", 8443, False),
        ("fd00::7", "fd00::7", 0, False),
        ("::", "::", 0, False),
    ],
)
def test_where_to_listen(typed: str, address: str, port: int, plain: bool) -> None:
    found = page_options(typed)
    assert (found.address, found.port, found.plain) == (address, port, plain)


@pytest.mark.parametrize("typed", ["ftp://1.2.3.4", "1.2.3.4:x", "1.2.3.4:99999", "a b/c", "[::1"])
def test_what_is_no_address(typed: str) -> None:
    with pytest.raises(BadInput):
        page_options(typed)


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "::ffff:0.0.0.0"])
def test_all_networks_at_once_are_refused(address: str) -> None:
    with pytest.raises(BadInput, match=r"every network; name the one address .*: \d+\."):
        open_crowd("page", Settings(page=PageOptions(address=address)))


def test_a_name_is_not_looked_up() -> None:
    with pytest.raises(BadInput, match=r"'example\.org' is no address; a number: "):
        open_crowd("page", Settings(page=PageOptions(address="example.org")))


def test_only_bench_and_check_take_it() -> None:
    with pytest.raises(UsageError, match="'page' is for bench and check"):
        open_target(parse_targets("page")[0], Settings())
    (place,) = open_places("page", Settings())
    assert isinstance(place, Crowd)


@pytest.mark.parametrize(
    ("agent", "label"),
    [
        (ANDROID, "chrome-android"),
        (IPHONE, "safari-iphone"),
        ("Mozilla/5.0 (Android 15; Mobile; rv:140.0) Gecko/140.0 Firefox/140.0", "firefox-android"),
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/150 Safari/537 Edg/150", "edge-windows"),
        ("curl/8", "browser"),
        ("", "browser"),
    ],
)
def test_a_device_is_called_by_what_it_is(agent: str, label: str) -> None:
    assert label_of(agent) == label


def test_typed_names_become_words() -> None:
    assert slug("  Zoë's Phone!! ") == "zoe-s-phone"
    assert slug("../../x\x1b[2J") == "x-2j"
    assert slug("★") == "" and len(slug("x" * 99)) == 40
    assert unused("a", {"a", "a-2"}) == "a-3"


def test_certificate_is_for_its_address_and_says_its_fingerprint(tmp_path: Path) -> None:
    certificate = make_certificate("127.0.0.1")
    ours, theirs = socket.socketpair()
    got: list[bytes] = []

    def serve() -> None:
        with certificate.context.wrap_socket(ours, server_side=True):
            pass

    serving = threading.Thread(target=serve)
    serving.start()
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
    with client.wrap_socket(theirs) as link:
        got.append(link.getpeercert(binary_form=True) or b"")
        assert link.version() in ("TLSv1.2", "TLSv1.3")
    serving.join()
    pairs = hashlib.sha256(got[0]).hexdigest().upper()
    assert certificate.fingerprint == ":".join(re.findall("..", pairs))
    assert make_certificate("::1").fingerprint != certificate.fingerprint


def test_invitation_says_what_to_compare_and_shows_the_code() -> None:
    url = "https://192.168.1.7:8443/abcdefgh/"
    plain = invitation(url, fingerprint="AA:" * 31 + "BB", colours=False)
    assert url in plain and "AA:BB" in plain and "\x1b" not in plain
    coloured = invitation(url, fingerprint="AA", colours=True, devices=3)
    assert "Waiting for 3 devices" in coloured and "\x1b[30;47m" in coloured
    here = invitation("http://127.0.0.1:41234/abc/", colours=False)
    assert "adb reverse tcp:41234 tcp:41234" in here
    assert "whoever listens" in invitation("http://192.168.1.7:80/abc/", colours=False)


def test_the_code_reads_as_the_address() -> None:
    """Read back by its modules: what a scanner would see is the code that segno made."""
    url = "https://192.168.1.7:8443/abcdefgh/"
    lines = [
        line.split("\x1b[30;47m")[1].split("\x1b[0m")[0]
        for line in invitation(url, colours=True).splitlines()
        if "\x1b[30;47m" in line
    ]
    pairs = {" ": (0, 0), "▀": (1, 0), "▄": (0, 1), "█": (1, 1)}
    seen = [[pairs[c][half] for c in line] for line in lines for half in (0, 1)]
    code = segno.make(url, error="l", micro=False).matrix_iter(border=4)
    wanted = [[int(module) for module in row] for row in code]
    assert seen[: len(wanted)] == wanted


KINDS = np.array([0.2, 0.3, 0.5], np.float32)


class Answering(Device):
    """Gives ``answer`` for every item."""

    answer = KINDS

    def do(self, page: Page, job: dict[str, object]) -> None:
        if job["job"] != "predict":
            super().do(page, job)
            return
        me = str(job["id"])
        given = np.load(io.BytesIO(page.ask("GET", str(job["inputs"])).body))
        page.put(f"out/{me}/outputs", npz(kind=np.tile(self.answer, (len(given["x"]), 1))))
        loaded = {"row": "loaded", "load_ns": 9, "in_force": {}, "inputs": [], "outputs": []}
        page.rows(me, loaded, {"row": "outputs", "file": "x"}, DONE)


@pytest.fixture
def checked(bundle: Path, tmp_path: Path) -> Path:
    """Data for ``bundle``, whose source has answered already."""
    opened = Bundle.open(bundle)
    spec = TensorSpec(name="x", dtype="float32", shape=(None, 4))
    kinds = TensorSpec(name="kind", dtype="float32", shape=(None, 3))
    info = SourceInfo(
        path="model.keras", sha256="source", kind="keras", inputs=(spec,), outputs=(kinds,)
    )
    opened.write_head(info)
    path = tmp_path / "data.npz"
    x = np.random.default_rng(0).random((600, 4), np.float32)
    np.savez(path, x=x, y=np.arange(600) % 3)
    data = open_data(str(path), preprocess=Preprocess.from_dict({}))
    files = files_for(info.sha256, data.sha256, np.arange(600), info.preprocess)
    source = opened.array_file(files.source)
    source.parent.mkdir(exist_ok=True)
    np.savez(source, **{"output/kind": np.tile(KINDS, (600, 1))})
    return path


def test_check_on_two_devices(bundle: Path, checked: Path, address: Callable[[], str]) -> None:
    """One answers as the source does, one with nonsense; each has its own results."""
    done: list[CheckResult] = []

    def run() -> None:
        page = PageOptions(devices=2)
        chosen = ["tflite-float32", "onnx-float32"]
        done.append(check(bundle, data=str(checked), artifacts=chosen, target="page", page=page))

    running = threading.Thread(target=run)
    running.start()
    good, odd = Answering(address(), label="good"), Answering(address(), label="odd")
    odd.answer = np.ones(5, np.float32)  # of another shape than the source's
    good.start()
    odd.start()
    running.join(60)
    (result,) = done
    assert [(r.target, r.artifact) for r in result.results] == [
        ("page:good", "tflite-float32"),
        ("page:good", "onnx-float32"),
    ]
    assert {r.scores[0].change for r in result.results} == {0.0}
    assert {f.target for f in result.failures} == {"page:odd"}
    assert "output 'kind' of an item has shape [5]" in result.failures[0].error
    assert "Computing 600 items of" in str(good.asked["what"])
    assert good.asked["lines"] == [
        "tflite-float32 in litertjs-wasm", "onnx-float32 in ort-web-wasm",
    ]  # fmt: skip

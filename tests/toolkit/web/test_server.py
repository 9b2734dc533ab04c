"""The server of pages over real sockets: what it serves, and what it keeps to itself."""

from __future__ import annotations

import os
import resource
import socket
import threading
import time
from pathlib import Path

import pytest
from tests.toolkit.page_client import DONE, FIRST, LOADED, Page, Reply
from tests.toolkit.web.jobs import Running

from edgewright.targets.web.headers import HEADERS
from edgewright.targets.web.seats import Seat
from edgewright.targets.web.server import PageServer
from edgewright_runtimes.errors import BadInput, EdgewrightError

PROBED = {"row": "probe", "values": {"cores": 2}}


def test_page_and_its_files_come_with_their_types(page: Page) -> None:
    expected = {
        "": "text/html; charset=utf-8",
        "app/main.js": "text/javascript; charset=utf-8",
        "vendor/ort.mjs": "text/javascript; charset=utf-8",
        "vendor/ort.wasm": "application/wasm",
    }
    for path, kind in expected.items():
        reply = page.ask("GET", path)
        assert (reply.status, reply.headers["content-type"]) == (200, kind), path
        assert reply.headers["x-content-type-options"] == "nosniff"
    assert "immutable" in page.ask("GET", "vendor/ort.wasm").headers["cache-control"]
    assert page.ask("GET", "app/main.js").headers["cache-control"] == "no-store"


def test_every_answer_isolates_the_page(page: Page) -> None:
    for reply in (
        page.ask("GET", ""), page.ask("GET", "/nothing/here"), page.ask("DELETE", "job"),
        page.ask("POST", "rows/1", b"{}"), page.ask("GET", "vendor/ort.wasm"),
    ):  # fmt: skip
        for name in HEADERS:
            assert name.lower() in reply.headers, (reply.status, name)
        assert reply.headers["cross-origin-embedder-policy"] == "require-corp"
        assert "server" not in reply.headers


@pytest.mark.parametrize(
    "path",
    [
        "secret.txt", "app", "app/", "vendor/", "app/../secret.txt", "app/%2e%2e/secret.txt",
        "app/..%2fsecret.txt", "app/%2e%2e%2f%2e%2e%2fetc/passwd", "app//etc/passwd",
        "app/%00", "app/..\\secret.txt", "app/" + "a" * 5_000, "file/1/artifact", "file/1/x/../..",
    ],
)  # fmt: skip
def test_nothing_else_can_be_read(page: Page, path: str) -> None:
    reply = page.ask("GET", path)
    assert reply.status == 404
    assert b"not for pages" not in reply.body and b"main.js" not in reply.body


def test_wrong_token_is_nothing(server: PageServer, seat: Seat) -> None:
    page = Page(server.url(seat))
    for path in ("/", "/x/", f"/{seat.token[:-1]}/", f"/{seat.token.upper()}/job", "/favicon.ico"):
        assert page.ask("GET", path).status == 404, path
    assert page.ask("POST", "/x/rows/1", b"{}").status == 404
    assert page.ask("PUT", "/x/out/1/samples", b"").status == 404


def test_other_methods_are_refused(page: Page) -> None:
    assert page.ask("POST", "job", b"").status == 405
    assert page.ask("DELETE", "").status == 405
    assert page.ask("GET", "rows/1").status == 404
    assert page.ask("HEAD", "app/main.js").body == b""


def given(seat: Seat, page: Page, artifact: Path) -> tuple[Running, str]:
    """A probe that names a file, so that files can be asked for; its address there."""
    running = Running(seat, {"job": "probe", "artifact": str(artifact)})
    return running, str(page.job()["artifact"])


def end(page: Page, running: Running) -> list[dict[str, object]]:
    page.rows("1", PROBED, DONE)
    return running.ended()


def test_file_of_a_job_and_its_ranges(seat: Seat, page: Page, tmp_path: Path) -> None:
    model = tmp_path / "model.onnx"
    model.write_bytes(bytes(range(100)))
    running, url = given(seat, page, model)
    assert url == "file/1/artifact/model.onnx"
    assert page.ask("GET", url).body == bytes(range(100))

    def part(ranges: str) -> Reply:
        return page.ask("GET", url, headers={"Range": f"bytes={ranges}"})

    first = part("10-19")
    assert (first.status, first.body) == (206, bytes(range(10, 20)))
    assert first.headers["content-range"] == "bytes 10-19/100"
    assert part("90-").body == part("-10").body == bytes(range(90, 100))
    assert part("100-").status == 416
    other = page.ask("GET", "file/1/artifact/other.onnx")
    assert (other.status, page.ask("GET", "file/1/feeds/x").status) == (404, 404)
    end(page, running)
    assert page.ask("GET", url).status == 404  # the job is over


def test_shards_beside_a_tfjs_model_and_nothing_above(
    seat: Seat, page: Page, tmp_path: Path
) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "model.json").write_text("{}")
    (folder / "group1-shard1of1.bin").write_bytes(b"weights")
    (tmp_path / "secret.txt").write_text("not for pages")
    os.symlink(tmp_path / "secret.txt", folder / "link.txt")
    os.symlink(tmp_path, folder / "up")
    os.symlink(folder / "group1-shard1of1.bin", folder / "alias.bin")
    running, url = given(seat, page, folder / "model.json")
    assert url == "file/1/artifact/model.json"
    assert page.ask("GET", "file/1/artifact/group1-shard1of1.bin").body == b"weights"
    assert page.ask("GET", "file/1/artifact/alias.bin").body == b"weights"
    for path in ("link.txt", "up/secret.txt", "../secret.txt", "%2e%2e/secret.txt", "up", ""):
        assert page.ask("GET", f"file/1/artifact/{path}").status == 404, path
    end(page, running)


def test_every_other_artifact_has_another_key(seat: Seat, page: Page, tmp_path: Path) -> None:
    """Of the same size, written at the same time; a TF.js model's weights count too."""

    def key(path: Path) -> str:
        running = Running(seat, {"job": "predict", "artifact": str(path)})
        job = page.job()
        page.rows(job["id"], {"row": "failure", "stage": "run", "error": "x"})
        running.ended()
        return str(job["artifact_key"])

    keys = []
    for name in ("a", "b"):
        shard = tmp_path / name / "group1-shard1of1.bin"
        shard.parent.mkdir()
        for path in (shard, shard.with_name("model.json"), shard.with_name("model.onnx")):
            path.write_bytes(name.encode())
            os.utime(path, ns=(0, 0))
        keys += [key(shard.with_name("model.json")), key(shard.with_name("model.onnx"))]
    assert key(tmp_path / "a" / "model.json") == keys[0]
    (tmp_path / "a" / "group1-shard1of1.bin").write_bytes(b"other")
    keys.append(key(tmp_path / "a" / "model.json"))
    assert len(set(keys)) == 5


@pytest.mark.slow
def test_200_mb_stream_with_flat_memory(seat: Seat, page: Page, tmp_path: Path) -> None:
    model = tmp_path / "model.tflite"
    with model.open("wb") as stream:
        stream.truncate(200 << 20)
    running, url = given(seat, page, model)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with socket.create_connection((page.host, page.port)) as link:
        link.sendall(
            f"GET {page.base}{url} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode()
        )
        total = 0
        while piece := link.recv(1 << 20):
            total += len(piece)
    assert total > 200 << 20
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 40 << 10  # kB
    end(page, running)


def test_long_poll_is_woken_by_a_job(seat: Seat, page: Page) -> None:
    got: list[object] = []
    waiting = threading.Thread(target=lambda: got.append(page.job()))
    waiting.start()
    time.sleep(0.3)
    assert not got
    running = Running(seat, {"job": "probe"})
    waiting.join(10)
    assert got == [{"protocol": 1, "id": "1", "job": "probe"}]
    end(page, running)


@pytest.mark.parametrize("leaves", ["with a word", "without a word"])
def test_poll_of_a_page_that_was_loaded_anew_begins_nothing(
    server: PageServer, seat: Seat, page: Page, leaves: str
) -> None:
    running = Running(seat, {"job": "probe"})
    assert page.job()["id"] == "1"
    assert page.rows("1", PROBED).status == 200
    with socket.create_connection((page.host, page.port)) as old:
        old.sendall(f"GET {page.base}job?have=1 HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        time.sleep(0.2)  # it waits now
        if leaves == "with a word":
            old.close()
        assert page.job()["id"] == "1.2"
        assert page.rows("1.2", PROBED).status == 200
        server.bell.ring()  # as another device's job does
        time.sleep(0.2)
        assert page.rows("1.2", DONE, first=1).status == 200
    assert [row["row"] for row in running.ended()] == ["probe", "progress", "probe", "done"]


def test_closed_seat_says_so_with_its_words(server: PageServer) -> None:
    seat = server.open_seat()
    page = Page(server.url(seat))
    got: list[Reply] = []
    waiting = threading.Thread(target=lambda: got.append(page.ask("GET", "job")))
    waiting.start()
    time.sleep(0.2)
    seat.close("all is done")
    waiting.join(10)
    assert (got[0].status, got[0].json()) == (410, {"words": "all is done"})
    assert page.rows("1", DONE).status == 410


def test_seats_do_not_see_each_other(server: PageServer, seat: Seat, page: Page) -> None:
    other = server.open_seat()
    running = Running(seat, {"job": "probe"})
    assert page.job()["id"] == "1"
    stranger = Page(server.url(other))
    assert stranger.rows("1", LOADED, FIRST, DONE).status == 409
    assert stranger.ask("GET", "file/1/artifact").status == 404
    assert [r["row"] for r in end(page, running)] == ["probe", "done"]


def test_addresses_that_are_not_bound(site: Path) -> None:
    for host in ("0.0.0.0", "::", "::ffff:0.0.0.0"):
        with pytest.raises(BadInput, match="every network; name the one address"):
            PageServer(host, site=site)
    with pytest.raises(BadInput, match="needs TLS"):
        PageServer("192.0.2.1", site=site)
    with pytest.raises(BadInput, match="'example' is no address"):
        PageServer("example", site=site)


def test_port_that_is_taken_is_said(site: Path, server: PageServer) -> None:
    with pytest.raises(EdgewrightError, match=r"cannot listen on 127\.0\.0\.1:\d+: "):
        PageServer(port=server.port, site=site).start()


def test_nothing_listens_afterwards(site: Path) -> None:
    with PageServer(site=site) as running:
        port = running.port
        seat = running.open_seat()
        waiting = threading.Thread(target=lambda: Page(running.url(seat)).job())
        waiting.start()
        time.sleep(0.2)
    waiting.join(5)
    assert not waiting.is_alive()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))


def test_only_loopback_is_bound(server: PageServer) -> None:
    listening = Path("/proc/net/tcp").read_text().splitlines()[1:]
    bound = [
        line.split()[1] for line in listening if line.split()[1].endswith(f":{server.port:04X}")
    ]
    assert f"0100007F:{server.port:04X}" in bound
    assert not any(address.startswith("00000000") for address in bound)

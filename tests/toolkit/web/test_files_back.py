"""Files that a page writes: of the job at hand, and checked before they are kept."""

from __future__ import annotations

import io
import socket
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pytest
from tests.toolkit.page_client import DONE, FIRST, LOADED, Page, npy, npz
from tests.toolkit.web.jobs import TIMES, Running, bench, failed, predict

from edgewright.targets.web.seats import Seat


def test_outputs_of_the_items(seat: Seat, page: Page, tmp_path: Path) -> None:
    running = Running(seat, predict(tmp_path))
    job = page.job()
    assert job["inputs"] == "file/1/inputs/in.npz"
    assert page.ask("GET", job["inputs"]).body == (tmp_path / "in.npz").read_bytes()
    assert page.put(job["outputs"], npz(kind=np.ones((4, 3), np.float32))).status == 200
    page.rows("1", LOADED, {"row": "outputs", "file": job["outputs"]}, DONE)
    assert running.ended()[1]["file"] == str(tmp_path / "out.npz")
    assert np.load(tmp_path / "out.npz")["kind"].shape == (4, 3)


BAD_SAMPLES = {
    "float": npy(np.zeros(3)),
    "two dimensions": npy(np.zeros((3, 1), np.int64)),
    "negative": npy(np.array([1, -1], np.int64)),
    "nonsense": b"x" * 100,
    "cut": npy(TIMES)[:-4],
    "more than its header says": npy(TIMES) + b"12345678",
    "a header that is no Python": npy(TIMES).replace(b"{'descr'", b"((((((((", 1),
    "objects": npy(TIMES).replace(b"'<i8'", b"'|O' "),
}


@pytest.mark.parametrize("name", BAD_SAMPLES)
def test_samples_that_are_none(seat: Seat, page: Page, tmp_path: Path, name: str) -> None:
    running = Running(seat, bench(tmp_path))
    page.job()
    page.rows("1", LOADED, FIRST)
    assert page.put("out/1/samples", BAD_SAMPLES[name]).status == 400
    assert "refused" in failed(running.ended())
    assert list(tmp_path.iterdir()) == []


def two_members(*names: str) -> bytes:
    stream = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(stream, "w") as archive:
        warnings.simplefilter("ignore")
        for name in names:
            archive.writestr(name, npy(np.ones((4, 1), np.float32)))
    return stream.getvalue()


BAD_OUTPUTS = {
    "other items": npz(kind=np.ones((5, 3), np.float32)),
    "a scalar": npz(kind=np.float32(1)),
    "text": npz(kind=np.array(["a"] * 4)),
    "nonsense": b"x" * 100,
    "two of a name": two_members("kind.npy", "kind.npy"),
}


@pytest.mark.parametrize("name", BAD_OUTPUTS)
def test_outputs_that_are_none(seat: Seat, page: Page, tmp_path: Path, name: str) -> None:
    running = Running(seat, predict(tmp_path))
    page.job()
    page.rows("1", LOADED)
    assert page.put("out/1/outputs", BAD_OUTPUTS[name]).status == 400
    assert "refused" in failed(running.ended())
    assert not (tmp_path / "out.npz").exists()


def test_a_small_file_that_would_unpack_to_a_large_one(
    seat: Seat, page: Page, tmp_path: Path
) -> None:
    stream = io.BytesIO()
    np.savez_compressed(stream, kind=np.zeros((4, 4_000_000), np.float32))
    running = Running(seat, predict(tmp_path))
    page.job()
    page.rows("1", LOADED)
    assert page.put("out/1/outputs", stream.getvalue()).status == 400
    assert "not an .npy that is stored as it is" in failed(running.ended())


def test_too_much_is_refused_before_it_is_read(seat: Seat, page: Page, tmp_path: Path) -> None:
    running = Running(seat, bench(tmp_path))
    page.job()
    announced = page.ask("PUT", "out/1/samples", headers={"Content-Length": "999999999"})
    assert announced.status == 413
    assert "samples of more than" in failed(running.ended())
    assert list(tmp_path.iterdir()) == []


def test_a_body_without_a_length_is_counted(seat: Seat, page: Page, tmp_path: Path) -> None:
    running = Running(seat, bench(tmp_path))
    page.job()
    piece = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    with socket.create_connection((page.host, page.port), timeout=20) as link:
        head = f"PUT {page.base}out/1/samples HTTP/1.1", "Host: x", "Transfer-Encoding: chunked"
        link.sendall("\r\n".join([*head, "", ""]).encode())
        for _ in range(40):
            link.sendall(piece)
            link.settimeout(0.05)
            try:
                answer = link.recv(100)
                break
            except TimeoutError:
                continue
    assert answer.startswith(b"HTTP/1.1 413")
    assert "samples of more than" in failed(running.ended())


def test_names_that_the_job_does_not_write(seat: Seat, page: Page, tmp_path: Path) -> None:
    running = Running(seat, bench(tmp_path))
    page.job()
    for path in ("out/1/outputs", "out/1/other", "out/1/..%2f..%2fx", "out/1/"):
        assert page.put(path, b"x").status in (404, 405), path
    assert page.put("out/2/samples", b"x").status == 409
    page.rows("1", {"row": "failure", "stage": "run", "error": "x"})
    running.ended()
    assert list(tmp_path.iterdir()) == []

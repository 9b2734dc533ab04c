"""``check`` on devices: the same items on each, each in pairs with the source."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tests.toolkit.page.phone import Device
from tests.toolkit.page_client import DONE, Page, npz

from edgewright.accuracy.results import CheckResult
from edgewright.accuracy.stored import files_for
from edgewright.bundle import Bundle
from edgewright.data import open_data
from edgewright.targets.page.options import PageOptions
from edgewright.verbs.check import check
from edgewright_runtimes.preprocess import Preprocess
from edgewright_runtimes.records import SourceInfo, TensorSpec

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

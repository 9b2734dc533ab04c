"""Every format in every runtime that a browser offers answers as the same file does in Python."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.browser.net_bundle import make_net_bundle

from edgewright.bundle import Bundle
from edgewright.latency.answers import Answers
from edgewright.settings import Settings
from edgewright.targets.browser.options import BrowserOptions
from edgewright.targets.browser.target import BrowserTarget
from edgewright.targets.local import LocalTarget
from edgewright.targets.target import Target, Worker
from edgewright.targets.web.runtimes import WEB_RUNTIMES
from edgewright.targets.web.tolerances import tolerance
from edgewright_converters.tolerances import output_range
from edgewright_runtimes.records import Artifact

LIMIT_SECONDS = 120.0
PLAIN = [name for name, row in WEB_RUNTIMES.items() if row.computes and not row.needs]
ON_GPU = [name for name, row in WEB_RUNTIMES.items() if row.needs]


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return make_net_bundle(tmp_path_factory.mktemp("net") / "bundle")


@pytest.fixture(scope="module")
def target(browser_name: str) -> Iterator[BrowserTarget]:
    with closing(BrowserTarget(f"browser:{browser_name}", BrowserOptions())) as opened:
        yield opened


@pytest.fixture(scope="module")
def in_python(bundle: Bundle, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The same files' answers on this machine; the source's for TF.js, which runs nowhere else."""
    work = tmp_path_factory.mktemp("python")
    local = LocalTarget("local", Settings())
    found = {}
    for artifact in bundle.artifacts():
        runtimes = local.runtimes(artifact.format)
        if not runtimes:
            found[artifact.name] = bundle.golden()["output/dense"]
            continue
        with closing(start(local, runtimes[0], work)) as worker:
            found[artifact.name] = predict(worker, artifact, runtimes[0], bundle, work)
    return found


def start(target: Target, runtime: str, work: Path) -> Worker:
    return target.start(runtime, folder=work, limit_seconds=LIMIT_SECONDS)


def predict(worker: Worker, artifact: Artifact, runtime: str, bundle: Bundle, work: Path) -> Any:
    """The answers to the goldens; where there are none, what the failure row says."""
    outputs = work / "outputs.npz"
    job = {
        "job": "predict",
        "artifact": str(bundle.model_file(artifact).resolve()),
        "runtime": runtime,
        "threads": 1,
        "inputs": str(Answers(bundle, work).feeds(artifact)),
        "outputs": str(outputs),
    }
    for row in worker.rows(job):
        if row["row"] == "failure":
            return f"{row['error']}; {row['hint']}"
    with np.load(outputs, allow_pickle=False) as arrays:
        return arrays["dense"]


def same(
    runtime: str, target: BrowserTarget, bundle: Bundle, in_python: dict[str, Any], work: Path
) -> None:
    """Each artifact of the runtime's format, one after the other in one page."""
    source = bundle.golden()["output/dense"]
    with closing(start(target, runtime, work)) as worker:
        for artifact in bundle.artifacts():
            if artifact.format not in target.formats(runtime):
                continue
            found = predict(worker, artifact, runtime, bundle, work)
            if (runtime, artifact.scheme) == ("litertjs-webgpu", "int8-io"):
                assert found.startswith("LiteRT.js on WebGPU takes no int8 at a model's edge")
                continue
            assert not isinstance(found, str), (artifact.name, found)
            limit = tolerance(runtime, artifact.scheme)
            off = np.abs(found - in_python[artifact.name]) / output_range(source)
            # TF.js is compared with the source itself: what its stored weights lost comes on top
            lost = 1e-3 if artifact.scheme == "uint8" else 0.0
            assert off.max() <= limit.largest + lost, (artifact.name, off.max())


@pytest.mark.parametrize("runtime", PLAIN)
def test_it_answers_as_in_python(
    runtime: str,
    target: BrowserTarget,
    bundle: Bundle,
    in_python: dict[str, Any],
    tmp_path: Path,
) -> None:
    same(runtime, target, bundle, in_python, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("runtime", ON_GPU)
def test_it_answers_so_on_a_gpu(
    runtime: str,
    target: BrowserTarget,
    bundle: Bundle,
    in_python: dict[str, Any],
    tmp_path: Path,
) -> None:
    (format_,) = WEB_RUNTIMES[runtime].formats
    reason = target.absent(format_).get(runtime, "")
    if reason:
        assert reason.startswith("not on this target: ")
    else:
        same(runtime, target, bundle, in_python, tmp_path)


def test_the_probe_tells_what_there_is(target: BrowserTarget) -> None:
    said = target.probe()
    assert said["isolated"] is True and said["wasm_simd"] is True
    assert set(said["runtimes"]) == set(WEB_RUNTIMES)
    for name in PLAIN:
        assert said["runtimes"][name] == ""

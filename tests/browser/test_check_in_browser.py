"""``check`` in real browsers: the same items, paired with the source, in each runtime."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.browser.net_bundle import make_net_bundle

from edgewright.accuracy.output_file import OutputWriter
from edgewright.accuracy.stored import files_for
from edgewright.bundle import Bundle
from edgewright.data import open_data
from edgewright.verbs.check import check
from edgewright_runtimes.records import SourceInfo, TensorSpec


@pytest.fixture
def bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bundle:
    """Its items are the goldens, and the source's outputs lie where a first check leaves them."""
    monkeypatch.chdir(tmp_path)
    bundle = make_net_bundle(tmp_path / "b")
    golden = bundle.golden()
    x, y = golden["input/x"], golden["output/dense"]
    np.savez("d.npz", x=x, y=y.argmax(axis=1))
    info = SourceInfo(
        path=str(tmp_path / "absent.keras"),
        sha256="s" * 64,
        kind="keras3",
        inputs=(TensorSpec(name="x", dtype="float32", shape=(None, *x.shape[1:])),),
        outputs=(TensorSpec(name="dense", dtype="float32", shape=(None, *y.shape[1:])),),
    )
    made = bundle.artifacts()
    bundle.write_head(info)
    for artifact in made:
        built = Path(shutil.copytree(bundle.model_file(artifact).parent, tmp_path / artifact.name))
        (built / "artifact.json").unlink()
        bundle.add_artifact(replace(artifact, source_sha256=info.sha256), built)
    data = open_data("d.npz")
    writer = OutputWriter(bundle.work_folder())
    writer.append({"dense": y})
    writer.finish(
        bundle.array_file(files_for(info.sha256, data.sha256, np.arange(len(x)), {}).source)
    )
    writer.close()
    return bundle


def test_every_runtime_is_paired_with_the_source(browser_name: str, bundle: Bundle) -> None:
    done = check(
        bundle.path,
        data="d.npz",
        target=f"local,browser:{browser_name}",
        runtime="litert,litertjs-wasm,tfjs-cpu,tfjs-wasm",
        artifacts=["tflite-float32", "tfjs-float32"],
    )
    browser = f"browser:{browser_name}"
    assert [(r.artifact, r.runtime, r.target) for r in done.results] == [
        ("tflite-float32", "litert", "local"),
        ("tflite-float32", "litertjs-wasm", browser),
        ("tfjs-float32", "tfjs-cpu", browser),
        ("tfjs-float32", "tfjs-wasm", browser),
    ]
    assert done.failures == () and list(done.not_here) == ["tfjs-float32 on local"]
    for result in done.results:
        accuracy = result.score("accuracy")
        assert accuracy is not None and accuracy.source == accuracy.artifact == 1.0
        assert result.differences[0].largest < 1e-5
    kept = {(e.runtime, e.target): e.in_force for e in bundle.evaluations()}
    assert kept["tfjs-wasm", browser]["backend"] == "wasm"

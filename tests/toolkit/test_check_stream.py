"""Checks with a real source in the converter process, and with a hundred thousand items."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgewright.verbs.check import check
from edgewright_runtimes.errors import BadInput

FLAT = """
import sys
from pathlib import Path
import numpy as np
from edgewright.accuracy.chunks import Chunks
from edgewright.accuracy.output_file import OutputReader, OutputWriter
from edgewright.accuracy.columns import read_columns
from edgewright.accuracy.scores import Scorer
from edgewright.accuracy.metrics import metric_named
from edgewright.accuracy.task import find_task
from edgewright.data import open_data
from edgewright_runtimes.memory import peak_memory_bytes
from edgewright_runtimes.preprocess import Preprocess
from edgewright_runtimes.records import TensorSpec

work = Path(sys.argv[1])
data = open_data(str(work / "d.npz"))
inputs = (TensorSpec(name="x", dtype="float32", shape=(None, 512)),)
chunks = Chunks(data, np.arange(data.items), Preprocess.from_dict({}), inputs, work)
writer = OutputWriter(work)
items = 0
for path, count in chunks:
    with np.load(path) as feeds:
        writer.append({"scores": feeds["x"][:, :10]})
    items += count
writer.finish(work / "o.npz")
writer.close()
labelled = find_task((10,), data.y)
columns = read_columns(OutputReader(work / "o.npz"), OutputReader(work / "o.npz"), labelled)
score = Scorer(columns=columns, labelled=labelled, class_names=()).score(metric_named("accuracy"))
print(items, score.score.items, peak_memory_bytes(Path("/")))
"""


def _peak(folder: Path, items: int) -> tuple[int, int, int]:
    folder.mkdir()
    rows = np.zeros((items, 512), np.float32)
    np.savez_compressed(folder / "d.npz", x=rows, y=np.zeros(items, np.uint8))
    done = subprocess.run(
        [sys.executable, "-c", FLAT, str(folder)], capture_output=True, text=True, check=True
    )
    ran, scored, peak = map(int, done.stdout.split())
    return ran, scored, peak


@pytest.mark.slow
def test_a_hundred_thousand_items_need_no_more_memory_than_ten_thousand(tmp_path: Path) -> None:
    few = _peak(tmp_path / "few", 10_000)
    many = _peak(tmp_path / "many", 100_000)  # 205 MB of inputs
    assert few[:2] == (10_000, 10_000) and many[:2] == (100_000, 100_000)
    assert many[2] - few[2] < 60e6


@pytest.mark.slow
def test_a_converted_bundle_beside_its_source(
    tiny: Path, converted: Path, tmp_path: Path, command: Callable[..., Any]
) -> None:
    bundle = tmp_path / "bundle"
    shutil.copytree(converted, bundle)
    ran = command("check", bundle, "--data", tiny / "test.npz", "--json")
    assert ran.code == 0, ran.err + ran.out
    plain = json.loads(ran.out)
    names = {r["artifact"] for r in plain["results"]}
    assert {"tflite-float32", "tflite-int8-io", "onnx-float32"} <= names
    assert all(name.startswith("tfjs-") for name in plain["not_here"])
    for one in plain["results"]:
        if one["artifact"].endswith("-float32"):
            assert one["ties"]["disagreements"] == one["ties"]["on_ties"]
            assert one["differences"][0]["largest"] < 1e-5
    stored = sorted(bundle.glob("measurements/check-*-source.npz"))
    written = stored[0].stat().st_mtime_ns
    check(bundle, data=str(tiny / "test.npz"), artifacts=["onnx-float32"])
    assert stored[0].stat().st_mtime_ns == written  # the source was not run again
    other = tmp_path / "other.keras"
    other.write_bytes((tiny / "model.keras").read_bytes() + b"x")
    with pytest.raises(BadInput, match="is not the model that this bundle was made from"):
        check(bundle, data=str(tiny / "test.npz"), subset=10, source=other)

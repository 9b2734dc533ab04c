"""A real worker process: jobs in, rows out, and no error that ends it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgewright_runtimes.protocol import PROTOCOL
from edgewright_runtimes.timing import WARMUP_CALLS

MODELS = Path(__file__).parents[1] / "models"
Row = Mapping[str, Any]


class Worker:
    """Ask it one job at a time."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "edgewright_runtimes.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def send(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def rows(self) -> Iterator[Row]:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            row: Row = json.loads(line)
            yield row
            if row["row"] in ("done", "failure"):
                return

    def ask(self, **job: object) -> list[Row]:
        self.send(json.dumps({"protocol": PROTOCOL, "threads": 1, **job}))
        return list(self.rows())

    def end(self) -> int:
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.close()
        code = self.process.wait(timeout=30)
        self.process.stdout.close()
        return code


@pytest.fixture(scope="module")
def shared() -> Iterator[Worker]:
    worker = Worker()
    yield worker
    assert worker.end() == 0


@pytest.fixture
def own() -> Iterator[Worker]:
    worker = Worker()
    yield worker
    worker.process.kill()
    worker.end()


def items(net: str, folder: Path) -> tuple[Path, dict[str, np.ndarray[Any, Any]]]:
    """The inputs of one net as an ``.npz`` of its own, and all its arrays."""
    with np.load(MODELS / "expected.npz", allow_pickle=False) as arrays:
        own = {n.partition("/")[2]: arrays[n] for n in arrays.files if n.startswith(f"{net}/")}
    names = {"pair": ("wide", "narrow"), "ids": ("ids",)}.get(net, ("x",))
    path = folder / f"{net}.npz"
    np.savez(path, allow_pickle=False, **{name: own[name] for name in names})
    return path, own


@pytest.mark.parametrize(
    ("file", "output", "tolerance"),
    [
        ("dense.tflite", "scores", 1e-5),  # free batch: all at once
        ("conv_int8_io.tflite", "scores", 0.02),  # integer in and out
        ("lstm.tflite", "y", 1e-5),  # keeps a state that must not go from item to item
        ("pair.tflite", "total", 1e-5),  # two inputs
        ("ids.tflite", "y", 1e-5),  # integers that are no quantized reals
        ("dense.onnx", "scores", 1e-5),
        ("pair.onnx", "scaled", 1e-5),
    ],
)
def test_predict_gives_the_source_s_outputs(
    shared: Worker, tmp_path: Path, file: str, output: str, tolerance: float
) -> None:
    inputs, expected = items(file.partition(".")[0], tmp_path)
    outputs = tmp_path / "outputs.npz"
    runtime = "litert" if file.endswith(".tflite") else "onnxruntime"
    model = str(MODELS / file)
    for _ in range(2):  # the second time in the session of the first, whose state must be gone
        rows = shared.ask(
            job="predict", artifact=model, runtime=runtime, inputs=str(inputs), outputs=str(outputs)
        )
        assert [row["row"] for row in rows] == ["loaded", "outputs", "done"]
        with np.load(outputs, allow_pickle=False) as found:
            assert found[output].dtype == np.float32
            np.testing.assert_allclose(found[output], expected[output], atol=tolerance)
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted([inputs.name, "outputs.npz"])


def bench_job(folder: Path, **more: object) -> dict[str, object]:
    return {
        "job": "bench",
        "artifact": str(MODELS / "dense.tflite"),
        "runtime": "litert",
        "seconds": 0.05,
        "samples": 4,
        "samples_file": str(folder / "samples.npy"),
        **more,
    }


@pytest.mark.parametrize(
    ("file", "runtime"),
    [("dense.tflite", "litert"), ("dense.onnx", "onnxruntime"), ("dense.onnx", "null")],
)
@pytest.mark.parametrize("real", [True, False])
def test_bench_gives_a_round(
    shared: Worker, tmp_path: Path, file: str, runtime: str, real: bool
) -> None:
    feeds = str(items("dense", tmp_path)[0]) if real else ""
    job = bench_job(tmp_path, artifact=str(MODELS / file), runtime=runtime, feeds=feeds)
    rows = {row["row"]: row for row in shared.ask(**job) if row.get("when") != "before"}
    assert rows["done"]
    samples = np.load(tmp_path / "samples.npy", allow_pickle=False)
    said = rows["samples"]
    assert samples.dtype == np.int64 and samples.min() > 0
    assert len(samples) - said["warmup_samples"] >= 4
    assert said["warmup_samples"] * said["calls_per_sample"] >= WARMUP_CALLS
    assert not said["partial"]
    assert rows["loaded"]["load_ns"] > 0 and rows["loaded"]["in_force"]["runtime"]
    assert rows["first"]["ns"] > 0
    assert rows["environment"]["when"] == "after"


def test_a_model_fixed_to_one_item_takes_them_one_by_one(shared: Worker, tmp_path: Path) -> None:
    feeds = str(items("conv_int8_io", tmp_path)[0])
    model = str(MODELS / "conv_int8_io.tflite")
    assert shared.ask(**bench_job(tmp_path, artifact=model, feeds=feeds))[-1]["row"] == "done"


def test_memory_is_a_pass_of_its_own(own: Worker) -> None:
    rows = own.ask(job="memory", artifact=str(MODELS / "dense.onnx"), runtime="onnxruntime")
    memory = next(row for row in rows if row["row"] == "memory")
    assert memory["peak_bytes"] > memory["before_bytes"] > 1 << 20


def test_sensors_come_from_the_root_that_is_named(own: Worker, tmp_path: Path) -> None:
    zone = tmp_path / "sys/class/thermal/thermal_zone0"
    zone.mkdir(parents=True)
    (zone / "temp").write_text("55000")
    job = bench_job(tmp_path, root=str(tmp_path), seconds=2.2, sensor_seconds=0.1)
    rows = [row for row in own.ask(**job) if row["row"] == "environment"]
    assert [row["when"] for row in rows][:2] == ["before", "during"]
    assert {row["values"]["temperature_c"] for row in rows} == {55.0}
    assert rows[1]["values"]["seconds"] > 0


@pytest.mark.parametrize(
    ("job", "stage", "error"),
    [
        (
            {"job": "bake"},
            "load",
            "no job named 'bake'; known: bench, count, memory, predict, stop",
        ),
        ({"job": "memory"}, "load", "MemoryJob lacks artifact, runtime"),
        ({"job": "memory", "artifact": "x", "runtime": "lite"}, "load", "no runtime named 'lite'"),
        ({"job": "memory", "artifact": "/no/x.onnx", "runtime": "onnxruntime"}, "load", "/no/x"),
        (
            {"job": "memory", "artifact": __file__, "runtime": "litert"},
            "load",
            "ai-edge-litert cannot open it",
        ),
        (
            {
                "job": "memory",
                "artifact": str(MODELS / "dense.onnx"),
                "runtime": "onnxruntime",
                "feeds": __file__,
            },
            "run",
            "not an .npz of arrays",
        ),
        (
            {
                "job": "predict",
                "artifact": str(MODELS / "pair.onnx"),
                "runtime": "onnxruntime",
                "inputs": "dense",
                "outputs": "/no/where.npz",
            },
            "run",
            "the model takes",
        ),
    ],
)
def test_what_fails_is_a_row_and_the_next_job_is_taken(
    shared: Worker, tmp_path: Path, job: dict[str, object], stage: str, error: str
) -> None:
    if job.get("inputs") == "dense":
        job = job | {"inputs": str(items("dense", tmp_path)[0])}
    last = shared.ask(**job)[-1]
    assert last["row"] == "failure"
    assert (last["stage"], "\n" in last["error"]) == (stage, False)
    assert error in last["error"]
    assert shared.ask(**bench_job(tmp_path, runtime="null"))[-1]["row"] == "done"


@pytest.mark.parametrize("line", ["not json", "[1]", '{"protocol": 99, "job": "bench"}', "\x00"])
def test_a_line_that_is_no_job_is_a_failure_row(shared: Worker, line: str) -> None:
    shared.send(line)
    assert list(shared.rows())[-1]["row"] == "failure"


@pytest.mark.parametrize("way", ["line", "signal"])
def test_a_round_that_is_stopped_keeps_what_it_has(own: Worker, tmp_path: Path, way: str) -> None:
    own.send(json.dumps({"threads": 1, **bench_job(tmp_path, seconds=600)}))
    rows = own.rows()
    assert any(row["row"] == "progress" for row in rows)  # it is timing
    if way == "line":
        own.send('{"job": "stop"}')
    else:
        own.process.send_signal(signal.SIGINT)
    rest = {row["row"]: row for row in own.rows()}
    assert rest["samples"]["partial"] is True
    assert len(np.load(tmp_path / "samples.npy", allow_pickle=False)) > 1
    assert own.process.wait(timeout=30) == 0  # it takes no other job


ASK_AND_WAIT = """
import subprocess, sys
worker = subprocess.Popen([sys.executable, "-m", "edgewright_runtimes.worker"], stdin=-1, text=True)
print(sys.argv[1], file=worker.stdin, flush=True)
worker.wait()
"""


def test_a_worker_ends_with_a_parent_that_is_killed_in_the_middle_of_a_job(tmp_path: Path) -> None:
    job = json.dumps({"threads": 1, **bench_job(tmp_path, seconds=600)})
    argv = [sys.executable, "-c", ASK_AND_WAIT, job]
    parent = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert parent.stdout is not None  # the worker's too
    assert any('"progress"' in line for line in parent.stdout)  # it is timing
    parent.kill()
    rest, _ = parent.communicate(timeout=60)  # until both are gone
    assert '"done"' not in rest
    assert not list(tmp_path.iterdir())


def test_jobs_of_a_file_are_all_done(tmp_path: Path) -> None:
    job = json.dumps({"threads": 1, **bench_job(tmp_path)})
    (tmp_path / "jobs.ndjson").write_text(f"{job}\n{job}\n")
    with (tmp_path / "jobs.ndjson").open() as jobs:
        argv = [sys.executable, "-m", "edgewright_runtimes.worker"]
        done = subprocess.run(argv, stdin=jobs, capture_output=True, text=True, timeout=60)
    assert [json.loads(line)["row"] for line in done.stdout.splitlines()].count("done") == 2


def test_what_a_library_prints_does_not_reach_the_rows() -> None:
    code = (
        "import os\nfrom edgewright_runtimes.worker.__main__ import _take_channel\n"
        "channel = _take_channel()\nos.write(1, b'native noise')\nprint('python noise')\n"
        "channel.write('row')\nchannel.flush()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ
    )
    assert done.stdout == "row"
    assert "native noise" in done.stderr

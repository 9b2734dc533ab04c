"""Instructions per inference: counted on a board, the same every time, and never a latency."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path

import pytest
from tests.device.emulated_boards import BOARDS, emulated
from tests.toolkit.bench_bundle import make_bundle
from tests.toolkit.conftest import Command, command  # noqa: F401

from edgewright.bundle import Bundle
from edgewright.counting.results import CountRow
from edgewright.counting.run import CountResult, count_instructions
from edgewright.latency.results import read_results
from edgewright.verbs.gate import gate
from edgewright_runtimes.errors import BadInput

MODELS = Path(__file__).parents[1] / "models"
CONV = MODELS / "conv_int8_io.tflite"
ALIKE, FEW = 0.001, 100  # of a count; and what a process differs from another by, in a tiny net


@pytest.fixture(scope="module")
def counted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Bundle, CountResult]:
    """One TFLite artifact and its baseline, in LiteRT and in nothing."""
    emulated(BOARDS[0])
    bundle = make_bundle(tmp_path_factory.mktemp("counted") / "bundle")
    result = count_instructions(
        bundle.path,
        artifacts=["tflite-int8"],
        runtimes=["litert", "null"],
        target=BOARDS[0],
    )
    assert result.exit_code == 0, result.failures
    return bundle, result


def row(result: CountResult, artifact: str, runtime: str, target: str) -> CountRow:
    wanted = (artifact, runtime, target)
    return next(r for r in result.rows if (r.artifact, r.runtime, r.target) == wanted)


def test_each_artifact_is_counted_beside_its_baseline(counted: tuple[Bundle, CountResult]) -> None:
    result = counted[1]
    assert {(r.artifact, r.runtime, r.target) for r in result.rows} == {
        (artifact, runtime, target)
        for artifact in ("tflite-float32", "tflite-int8")
        for runtime in ("litert", "null")
        for target in BOARDS[:1]
    }
    one = row(result, "tflite-int8", "litert", BOARDS[0])
    assert one.processes == 2 and one.calls >= 160 and one.threads == 1
    # here the two are one file: the ratio shows what is chance
    assert one.against_float32 == pytest.approx(1, abs=0.01)
    assert row(result, "tflite-float32", "litert", BOARDS[0]).against_float32 is None
    assert "cortex-a72" in one.in_force["emulator"]


def test_a_count_is_no_latency(counted: tuple[Bundle, CountResult]) -> None:
    bundle, result = counted
    assert read_results(bundle) == () and bundle.measurements() == () and not bundle.problems
    assert len(bundle.counts()) == result.measured_rounds == 8
    assert {record.unit for record in bundle.counts()} == {"instructions"}


def test_the_counts_are_alike_in_every_block_and_process(
    counted: tuple[Bundle, CountResult],
) -> None:
    again = count_instructions(
        counted[0].path, artifacts=["tflite-float32"], runtimes=["litert"], target=BOARDS[0]
    )
    for found in (counted[1], again):
        one = row(found, "tflite-float32", "litert", BOARDS[0])
        assert one.most - one.least <= max(ALIKE * one.instructions, FEW)
    first = row(counted[1], "tflite-float32", "litert", BOARDS[0]).instructions
    second = row(again, "tflite-float32", "litert", BOARDS[0]).instructions
    assert second == pytest.approx(first, rel=ALIKE, abs=FEW)


def test_what_computes_more_counts_more(counted: tuple[Bundle, CountResult]) -> None:
    nothing = row(counted[1], "tflite-int8", "null", BOARDS[0]).instructions
    something = row(counted[1], "tflite-int8", "litert", BOARDS[0]).instructions
    assert 100 < nothing < something / 2


def test_a_dot_product_saves_instructions(tmp_path: Path) -> None:
    """The same int8 file on a Pi 4 and on a Pi 5, whose processor has the instruction."""
    counts = []
    for name in BOARDS:
        job = {"job": "count", "artifact": str(CONV), "runtime": "litert", "threads": 1}
        target = emulated(name)
        with closing(target.start_counting("litert", folder=tmp_path, limit_seconds=120)) as worker:
            rows = {r["row"]: r for r in worker.rows(job)}
        assert "done" in rows, rows.get("failure")
        counted = rows["counted"]  # a block holds as many calls as take some time
        counts.append((counted["counts"][0] - counted["empty"]) / counted["calls_per_block"])
    assert counts[1] < 0.9 * counts[0]


def test_gate_passes_what_stayed_as_it_was(
    counted: tuple[Bundle, CountResult], tmp_path: Path
) -> None:
    other = make_bundle(tmp_path / "bundle")
    count_instructions(
        other.path, artifacts=["tflite-int8"], runtimes=["litert"], target=BOARDS[0], rounds=1
    )
    same = gate(other.path, counted[0].path, max_regression="1%")
    assert same.exit_code == 0, same.rows


def test_the_command(tmp_path: Path, command: Command) -> None:  # noqa: F811
    bundle = make_bundle(tmp_path / "bundle")
    options = ["--artifacts", "onnx-float32", "--runtime", "null", "--rounds", "1"]
    place = ["--target", "emulated:pi4", "--count", "instructions"]
    emulated(BOARDS[0])
    ran = command("bench", bundle.path, *options, *place)
    assert ran.code == 0, ran.err
    lines = ran.out.splitlines()
    assert "instructions per inference" in lines[0]
    assert lines[1].startswith("onnx-float32") and "null on emulated:pi4" in lines[1]
    assert "no latencies" in lines[2] and lines[-1].endswith("counted: 1 rounds, 0 failed")
    said = json.loads(command("bench", bundle.path, *options, *place, "--json").out)
    assert said["unit"] == "instructions" and said["rows"][0]["instructions"] > 100


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"target": "local"}, "not counted on local; --target emulated:pi4"),
        ({"target": "emulated:pi4,local"}, "not counted on"),
        ({"target": "emulated:pi4", "threads": 2}, "one thread"),
        ({"target": "emulated:pi4", "rounds": 0}, "rounds is 0"),
        ({"target": "emulated:pi4", "limit_seconds": 0}, "limit is 0 s"),
    ],
)
def test_bad_input_is_one_clear_line(
    tmp_path: Path, options: dict[str, object], message: str
) -> None:
    bundle = make_bundle(tmp_path / "bundle")
    with pytest.raises(BadInput, match=message):
        count_instructions(bundle.path, **options)  # type: ignore[arg-type]
    assert not bundle.counts()

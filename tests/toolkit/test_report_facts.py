"""What a report knows: golden facts of small bundles, and what is set aside."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.toolkit import report_bundle as made

from edgewright.accuracy.intervals import Decision
from edgewright.bundle import Bundle
from edgewright.inspection.transfer import brotli_size
from edgewright.reporting.facts import pareto, read_facts
from edgewright.reporting.provenance import repeat
from edgewright.reporting.rows import size_cell
from edgewright.reporting.verdict import details, fastest, headline


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    bundle: Bundle = made.make_full(tmp_path_factory.mktemp("report") / "full")
    return bundle


def test_decisions_and_headline(full: Bundle) -> None:
    facts = read_facts(full)
    assert facts.decisions == {
        "tflite-float32": Decision.SHIP,
        "tflite-int8": Decision.DO_NOT_SHIP,
        "onnx-float32": Decision.SHIP,
        "tfjs-float32": None,
    }
    assert headline(facts) == (
        "2 of 3 checked artifacts may ship. Do not ship tflite-int8.",
        "no",
    )
    said = dict(details(facts))
    assert said["May ship"].startswith("tflite-float32, onnx-float32")
    assert "-15.00" in said["Do not ship"]
    assert said["Fastest that may ship"].startswith("tflite-float32 in litert, median 2.00 ms")
    assert said["Not on this target"] == "tfjs-float32"
    assert "onnx-int8" in said["Failed"]


def test_front_and_second_baseline(full: Bundle) -> None:
    facts = read_facts(full)
    assert facts.front == {
        ("tflite-float32", "litert", "local"),
        ("tflite-int8", "litert", "local"),
    }
    assert [(a.artifact, len(a.round_medians_ns)) for a in facts.again] == [("tflite-float32", 8)]


def test_lower_is_better_turns_the_front(full: Bundle) -> None:
    point = read_facts(full).points[0]
    assert point.score.better == "higher"
    assert point.goodness == point.score.artifact


def test_a_swapped_artifact_is_set_aside_and_said(tmp_path: Path) -> None:
    bundle = made.make_full(tmp_path / "b")
    bundle.model_file(bundle.artifact("tflite-float32")).write_bytes(b"another")
    facts = read_facts(bundle)
    subject = next(s for s in facts.subjects if s.artifact.name == "tflite-float32")
    assert subject.accuracy == () and subject.latency == ()
    assert sum("tflite-float32" in line for line in facts.set_aside) == 2


def test_a_damaged_evaluation_is_set_aside(tmp_path: Path) -> None:
    bundle = made.make_full(tmp_path / "b")
    bundle.array_file("check-1-tflite-int8.npz").write_bytes(b"PK cut")
    facts = read_facts(bundle)
    assert facts.decisions["tflite-int8"] is None
    assert facts.decisions["tflite-float32"] is Decision.SHIP
    assert any("tflite-int8: a check set aside" in line for line in facts.set_aside)


@pytest.mark.parametrize("left", [b"", b"\x93NUMPY\x01", None])
def test_damaged_samples_are_set_aside(tmp_path: Path, left: bytes | None) -> None:
    bundle = made.make_full(tmp_path / "b")
    path = bundle.array_file("job-1-tflite-int8-litert-3.npy")
    if left is None:
        path.unlink()
    else:
        path.write_bytes(left)
    facts = read_facts(bundle)
    assert any("tflite-int8: round 3 set aside" in line for line in facts.set_aside)
    row = next(row for row in facts.rows if row.artifact == "tflite-int8")
    assert row.summary.rounds == 7


def test_a_round_cut_in_warm_up_is_set_aside(tmp_path: Path) -> None:
    import numpy as np

    bundle = made.make_full(tmp_path / "b")
    np.save(bundle.array_file("job-1-tflite-int8-litert-0.npy"), np.ones(4, np.int64))
    assert any("cut short in the warm-up" in line for line in read_facts(bundle).set_aside)


def test_nothing_measured(tmp_path: Path) -> None:
    bundle = made.start(tmp_path / "b")
    assert headline(read_facts(bundle))[0].startswith("Nothing was made")
    made.add_artifact(bundle, "tflite-float32")
    assert headline(read_facts(bundle)) == (
        "Accuracy was not measured: nothing is decided.",
        "none",
    )
    made.add_check(bundle, "tflite-float32", gates=())
    assert headline(read_facts(bundle))[0].startswith("Accuracy was measured, but no gate")


def test_the_harness_alone_is_no_point(tmp_path: Path) -> None:
    bundle = made.make_full(tmp_path / "b")
    made.add_rounds(bundle, "tflite-float32", 100.0, runtime="null")
    facts = read_facts(bundle)
    assert all(p.row.runtime != "null" for p in facts.points)
    assert "median 2.00 ms" in dict(details(facts))["Fastest that may ship"]


def test_each_target_has_its_fastest_and_a_front_of_its_own(tmp_path: Path) -> None:
    bundle = made.make_full(tmp_path / "b")
    here = {"target": "browser:chromium", "runtime": "tfjs-webgl"}
    made.add_rounds(bundle, "tfjs-float32", 1e6, in_force={"software_gpu": "yes"}, **here)
    made.add_rounds(bundle, "tfjs-float32", 9e6, target="browser:chromium", runtime="tfjs-wasm")
    facts = read_facts(bundle)
    best = fastest(facts.rows)
    assert set(best) == {"local", "browser:chromium"}
    assert best["browser:chromium"].runtime == "tfjs-wasm"  # a software GPU is no GPU
    assert "Not on this target" not in dict(details(facts))
    assert {name[2] for name in facts.front} == {"local"}  # no accuracy was checked elsewhere
    assert "--target local,browser:chromium" in repeat(facts)


def test_times_of_an_emulated_board_are_no_latencies(tmp_path: Path) -> None:
    bundle = made.start(tmp_path / "b")
    for name in ("tflite-float32", "tflite-int8"):
        made.add_artifact(bundle, name)
        made.add_check(bundle, name)
        made.add_rounds(bundle, name, 1e6, target="emulated:pi4")
    facts = read_facts(bundle)
    assert len(facts.rows) == 2 and not facts.points and not facts.front
    assert {row.no_comparison for row in facts.rows if not row.baseline} == {
        "a time under emulation is no latency: bench --count instructions"
    }
    said = dict(details(facts))
    assert not [name for name in said if name.startswith(("Fastest", "Slower"))]
    assert said["Latency"] == "not measured; times of emulated boards are none"


def test_what_runs_in_a_browser_has_its_brotli_size_beside_the_others(tmp_path: Path) -> None:
    bundle = made.start(tmp_path / "b")
    for name in ("tflite-float32", "onnx-float32", "tfjs-float32"):
        made.add_artifact(bundle, name)
    here = {"target": "page:chrome-android", "runtime": "ort-web-wasm"}
    made.add_rounds(bundle, "onnx-float32", 1e6, **here)
    facts = read_facts(bundle)
    brotli = {s.artifact.name: s.brotli_bytes for s in facts.subjects}
    for name, file in (("onnx-float32", "model.onnx"), ("tfjs-float32", "model.json")):
        model = bundle.artifact_folder(name) / file
        assert brotli[name] == brotli_size([model]) < 100
    assert brotli["tflite-float32"] is None
    shown = {s.artifact.name: size_cell(s).small for s in facts.subjects}
    assert shown["onnx-float32"] == f"5.0 kB, brotli {brotli['onnx-float32']} B"
    assert shown["tflite-float32"] == "5.0 kB"


COSTS = st.lists(
    st.tuples(st.integers(0, 9), st.integers(0, 9)).map(lambda c: (float(c[0]), float(c[1])))
)


@given(COSTS)
def test_pareto_keeps_exactly_what_nothing_beats(costs: list[tuple[float, float]]) -> None:
    front = {costs[i] for i in pareto(costs)}
    assert bool(front) == bool(costs)
    for cost in costs:
        better = {c for c in front if c[0] <= cost[0] and c[1] <= cost[1] and c != cost}
        assert (cost in front) == (not better)


@given(COSTS)
def test_pareto_falls_from_left_to_right(costs: list[tuple[float, float]]) -> None:
    front = sorted({costs[i] for i in pareto(costs)})
    for left, right in pairwise(front):
        assert left[0] < right[0] and left[1] > right[1]


def test_json_is_strict_and_whole(full: Bundle, tmp_path: Path) -> None:
    from edgewright.reporting.as_json import as_json

    data = json.loads(as_json(read_facts(full), report=tmp_path / "r.html"))
    assert data["decisions"]["tflite-int8"] == "do not ship"
    assert data["pareto_front"] == [
        ["tflite-float32", "litert", "local"],
        ["tflite-int8", "litert", "local"],
    ]
    int8 = next(a for a in data["artifacts"] if a["name"] == "tflite-int8")
    assert int8["latency"][0]["summary"]["rounds"] == 8
    assert int8["accuracy"][0]["decision"] == "do not ship"
    assert data["failures"][0]["hint"] == "add --calibrate DATA"

"""What is read from measurements: comparisons within one job, the latest one, and verdicts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.toolkit.bench_bundle import add_rounds, make_bundle

from edgewright.bundle import Bundle
from edgewright.latency.results import read_results, set_aside
from edgewright.latency.table import HEADINGS, cells, notes
from edgewright.text_table import aligned
from edgewright_runtimes.statistics import Verdict


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    made: Bundle = make_bundle(tmp_path / "bundle")
    return made


def test_an_artifact_is_compared_with_its_float32(bundle: Bundle) -> None:
    add_rounds(bundle, "tflite-float32", 100_000)
    add_rounds(bundle, "tflite-float32", 100_000, label="again")
    add_rounds(bundle, "tflite-int8", 50_000)
    base, row = read_results(bundle)
    assert (base.baseline, base.comparison, base.no_comparison) == (True, None, "the baseline")
    assert row.comparison is not None and row.comparison.different
    assert row.comparison.ratio == pytest.approx(0.5, rel=0.01)
    assert row.summary.median_ns == pytest.approx(50_000, rel=0.01)  # K calls are one sample
    assert row.summary.n == 8 * 190  # without the warm-up
    assert (row.load_ns, row.first_ns, row.peak_memory_bytes) == (1_000_000, 200_000, 50_000_000)


def test_a_baseline_of_another_job_is_no_baseline(bundle: Bundle) -> None:
    add_rounds(bundle, "tflite-float32", 100_000, job="job-1")
    add_rounds(bundle, "tflite-int8", 50_000, job="job-2")
    row = read_results(bundle)[1]
    assert row.comparison is None
    assert row.no_comparison == "tflite-float32 was measured in another job"


def test_each_is_compared_with_the_baseline_of_its_own_job(bundle: Bundle) -> None:
    """A search times its tries one after the other, each beside float32 in a job of its own."""
    for job, day, ns in (("b", 1, 100_000), ("a", 2, 240_000)):
        started = f"2026-01-0{day}T00:00:00+00:00"
        for label in ("", "again"):
            add_rounds(bundle, "tflite-float32", ns, job=job, label=label, started=started)
        if job == "b":
            add_rounds(bundle, "tflite-int8", 50_000, job=job, started=started)
    base, row = read_results(bundle)
    assert (base.job, row.job) == ("a", "b")
    assert base.summary.median_ns == pytest.approx(240_000, rel=0.01)
    assert row.comparison is not None
    assert row.comparison.ratio == pytest.approx(0.5, rel=0.01)


def test_a_baseline_of_another_runtime_is_no_baseline(bundle: Bundle) -> None:
    add_rounds(bundle, "tflite-float32", 100_000, runtime="null")
    add_rounds(bundle, "tflite-int8", 50_000)
    row = next(r for r in read_results(bundle) if r.artifact == "tflite-int8")
    assert row.no_comparison == "tflite-float32 was not measured"


def test_the_latest_job_counts(bundle: Bundle) -> None:
    add_rounds(bundle, "tflite-int8", 70_000, job="b", started="2026-01-02T00:00:00+00:00")
    add_rounds(bundle, "tflite-int8", 50_000, job="a", started="2026-01-03T00:00:00+00:00")
    (row,) = read_results(bundle)
    assert row.job == "a"
    assert row.summary.rounds == 8


def test_a_job_that_ended_after_the_second_name_alone_still_shows(bundle: Bundle) -> None:
    add_rounds(bundle, "tflite-float32", 100_000, label="again")
    (row,) = read_results(bundle)
    assert row.baseline and row.summary.rounds == 8


def test_a_round_cut_short_in_its_warm_up_is_set_aside(bundle: Bundle) -> None:
    add_rounds(bundle, "tflite-float32", 100_000, cut_short=7)
    (row,) = read_results(bundle)
    assert (row.summary.rounds, row.judgement.verdict.value) == (7, "too few")
    assert set_aside(bundle) == ("tflite-float32: 1 round set aside, cut short in the warm-up",)


def test_measurements_of_what_is_not_there_are_set_aside(bundle: Bundle) -> None:
    add_rounds(bundle, "tflite-int8", 50_000)
    bundle.remove_artifact("tflite-int8")
    assert read_results(bundle) == ()
    assert set_aside(bundle) == (
        "tflite-int8: 8 rounds set aside, measured on an artifact that is not here",
    )


QUIET = {"work_ns": 1_000_000, "unknown": ""}
OLD_TROUBLE = QUIET | {"throttled": "", "throttled_since_boot": "under-voltage"}


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (QUIET, QUIET, Verdict.TOO_FEW),
        (QUIET, QUIET | {"work_ns": 1_100_000}, Verdict.TOO_FEW),
        (QUIET, QUIET | {"work_ns": 1_300_000}, Verdict.THROTTLED),
        (QUIET | {"work_ns": "abc"}, QUIET | {"work_ns": "abc"}, Verdict.TOO_FEW),
        (QUIET | {"work_ns": True}, QUIET | {"work_ns": 10**400}, Verdict.TOO_FEW),
        (QUIET, QUIET | {"throttled": "under-voltage"}, Verdict.THROTTLED),
        (QUIET | {"throttled": ""}, QUIET | {"throttled": ""}, Verdict.TOO_FEW),
        (QUIET, QUIET | {"under_voltage": "now"}, Verdict.THROTTLED),
        (QUIET, QUIET | {"under_voltage": "since boot"}, Verdict.TOO_FEW),
        (QUIET, QUIET | {"frequency_mhz": 1800, "clock_mhz": 1080}, Verdict.THROTTLED),
        (QUIET, QUIET | {"frequency_mhz": 1800, "clock_mhz": 1700}, Verdict.TOO_FEW),
        (QUIET | {"frequency_mhz": 1800, "clock_mhz": 600}, QUIET, Verdict.TOO_FEW),  # idle
        (QUIET | {"throttled": "4 events"}, QUIET | {"throttled": "4 events"}, Verdict.TOO_FEW),
        (QUIET | {"throttled": "4 events"}, QUIET | {"throttled": "5 events"}, Verdict.THROTTLED),
        (OLD_TROUBLE, OLD_TROUBLE, Verdict.TOO_FEW),
        (OLD_TROUBLE | {"throttled_since_boot": ""}, OLD_TROUBLE, Verdict.THROTTLED),
        (QUIET | {"governor": "powersave"}, QUIET, Verdict.THROTTLED_ON_PURPOSE),
        (
            QUIET | {"governor": "powersave", "frequency_driver": "intel_pstate"},
            QUIET,
            Verdict.TOO_FEW,
        ),
        ({}, {}, Verdict.TOO_FEW),
    ],
)
def test_what_the_machine_said_decides_the_verdict(
    bundle: Bundle, before: dict[str, str | int], after: dict[str, str | int], expected: Verdict
) -> None:
    add_rounds(bundle, "tflite-int8", 50_000, before=before, after=after)
    assert read_results(bundle)[0].judgement.verdict == expected


def test_absent_sensors_are_listed(bundle: Bundle) -> None:
    add_rounds(bundle, "tflite-int8", 50_000)
    reasons = read_results(bundle)[0].judgement.reasons
    assert "unknown: temperature_c, throttled" in reasons


def test_the_table_leaves_no_blank_without_a_reason(bundle: Bundle) -> None:
    add_rounds(bundle, "tflite-float32", 100_000)
    add_rounds(bundle, "tflite-int8", 50_000)
    rows = read_results(bundle)
    line = cells(rows[1])
    assert len(line) == len(HEADINGS)
    assert line[:2] == ("tflite-int8", "litert")
    assert line[2].startswith("0.05")
    assert line[-1] == "too few"
    said = "\n".join(notes(rows))
    assert "of the baseline's time" in said
    assert "tails are of means of 2 calls" in said
    for column, tail in zip((3, 4, 5), rows[1].summary.tails, strict=True):
        assert (line[column] == "-") == (tail.bound_ns is None)
        if tail.bound_ns is None:
            assert f"p{tail.p * 100:.4g}" in said and tail.reason in said
    assert [text.split()[0] for text in aligned(HEADINGS, [cells(r) for r in rows])] == [
        "artifact",
        "tflite-float32",
        "tflite-int8",
    ]


def test_a_round_whose_samples_are_damaged_is_named_and_the_others_count(bundle: Bundle) -> None:
    add_rounds(bundle, "tflite-int8", 50_000)
    first, second = bundle.measurements()[:2]
    bundle.array_file(first.samples_file).write_bytes(b"\x93NUMPY cut")
    bundle.array_file(second.samples_file).unlink()
    (row,) = read_results(bundle)
    assert row.summary.rounds == 6
    assert len([p for p in bundle.problems if "tflite-int8: round" in p]) == 2


@pytest.mark.parametrize(
    ("stretches", "verdict"),
    [
        ((1, 1, 1, 1, 1, 1, 1, 1), Verdict.TRUSTED),
        ((1.0, 1.3, 0.8, 1.2, 0.9, 1.25, 0.8, 1.0), Verdict.NOISY),
    ],
)
def test_a_sustained_run_whose_stretches_differ_is_noisy(
    bundle: Bundle, stretches: tuple[float, ...], verdict: Verdict
) -> None:
    """600 s in one process, up and down with its neighbours: no trend, and nothing to trust."""
    add_rounds(bundle, "tflite-float32", 1e6, preset="sustained", rounds=1)
    (record,) = bundle.measurements()
    rng = np.random.default_rng(0)
    steady = np.repeat(stretches, 150) * rng.normal(5e8, 1e6, 1200)  # 0.5 s a sample
    bundle.add_measurement(record, np.concatenate([steady[:10], steady]))
    (row,) = read_results(bundle)
    assert row.judgement.verdict is verdict
    said = "noisy: the medians of its 8 stretches are" in row.judgement.reasons[0]
    assert said == (verdict is Verdict.NOISY)


@pytest.mark.parametrize(
    "in_force, expected",
    [
        ({"software_gpu": "yes", "cpu_throttle": "4"}, Verdict.SOFTWARE_GPU),
        ({"software_gpu": "no", "cpu_throttle": "4"}, Verdict.THROTTLED_ON_PURPOSE),
        ({"software_gpu": "no", "cpu_throttle": "1"}, Verdict.TOO_FEW),
    ],
)
def test_what_is_in_force_in_a_browser_decides_the_verdict(
    bundle: Bundle, in_force: dict[str, str], expected: Verdict
) -> None:
    browser = {"target": "browser:chromium", "runtime": "tfjs-webgl"}
    add_rounds(bundle, "tfjs-float32", 1e6, in_force=in_force, preset="smoke", **browser)
    (row,) = read_results(bundle)
    assert row.judgement.verdict is expected


def test_each_target_has_a_baseline_of_its_own(bundle: Bundle) -> None:
    for target, factor in (("local", 1), ("browser:chromium", 5), ("browser:firefox", 9)):
        add_rounds(bundle, "tflite-float32", factor * 1e6, target=target, runtime="null")
        add_rounds(bundle, "tflite-int8", factor * 5e5, target=target, runtime="null")
    rows = read_results(bundle)
    assert len(rows) == 6
    for row in rows:
        if row.artifact == "tflite-int8":
            assert row.comparison is not None and abs(row.comparison.ratio - 0.5) < 0.02
        assert (" on browser:" in cells(row)[1]) == (row.target != "local")


def test_fewer_threads_than_asked_for_are_one_line_with_their_reason(bundle: Bundle) -> None:
    browser = {"target": "browser:firefox", "runtime": "litertjs-wasm", "preset": "smoke"}
    why = {"threads_asked": "4", "why_no_threads": "the page is not isolated"}
    add_rounds(bundle, "tflite-float32", 1e6, in_force=why, **browser)
    line = "1 of 4 threads in force: the page is not isolated; "
    assert sum(line in note for note in notes(read_results(bundle))) == 1
    add_rounds(bundle, "tflite-int8", 1e6, in_force=why, **browser)
    (shared, *own) = notes(read_results(bundle))
    assert shared.startswith(f"all: {line}") and not any("threads" in note for note in own)

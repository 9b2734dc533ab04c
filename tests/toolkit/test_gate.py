"""``gate``: two bundles, a ratio with its interval, and an exit code that stops a change."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.toolkit.bench_bundle import add_rounds, make_bundle
from tests.toolkit.conftest import Command

from edgewright.bundle import Bundle
from edgewright.regressions.comparing import Decision
from edgewright.verbs.gate import GateResult, gate
from edgewright_runtimes.errors import BadInput, UnknownName
from edgewright_runtimes.records import Count

QUIET: dict[str, str | int] = {"cores": 4, "cpu": "a board", "unknown": ""}


def bundles(folder: Path) -> tuple[Bundle, Bundle]:
    return make_bundle(folder / "base"), make_bundle(folder / "new")


def add_counts(
    bundle: Bundle,
    name: str,
    per_call: float,
    *,
    spread: float = 0.0002,
    job: str = "count-1",
    target: str = "emulated:pi4",
    sha256: str = "",
    runtime: str = "ai-edge-litert 2.1.0",
) -> None:
    """Two processes of five blocks, as a job would have left them."""
    for number in range(2):
        each = 500 + 16 * per_call * (1 + spread * (number - 0.5))
        counts = [round(each)] * 4 + [round(1.5 * each)]  # something else in one block
        record = Count(
            job=job,
            artifact=name,
            artifact_sha256=sha256 or bundle.artifact(name).sha256,
            target=target,
            runtime="litert",
            threads=1,
            round=number,
            unit="instructions",
            counts=tuple(counts),
            empty=500,
            calls_per_block=16,
            in_force={"runtime": runtime},
            started="2026-01-01T00:00:00+00:00",
        )
        bundle.add_count(record, f"{job}-{name}-{number}")


def timed(folder: Path, change: float, **options: object) -> GateResult:
    """The int8 artifact ``change`` times as slow in the new bundle, on a quiet board."""
    base, new = bundles(folder)
    for bundle, factor in ((base, 1.0), (new, change)):
        for name, label in (
            ("tflite-float32", ""),
            ("tflite-float32", "again"),
            ("tflite-int8", ""),
        ):
            slower = factor if name == "tflite-int8" else 1.0
            add_rounds(
                bundle,
                name,
                10_000_000 * slower,  # so long that 200 samples fill the preset's time
                label=label,
                before=QUIET,
                **options,  # type: ignore[arg-type]
            )
    return gate(base.path, new.path)


def decided(result: GateResult) -> dict[str, Decision]:
    return {row.artifact: row.decision for row in result.rows}


def test_the_same_latency_passes(tmp_path: Path) -> None:
    result = timed(tmp_path, 1.0)
    assert decided(result) == {
        "tflite-float32": Decision.PASS,
        "tflite-int8": Decision.PASS,
    }, result.rows
    assert (result.decision, result.exit_code) == (Decision.PASS, 0)
    row = result.rows[1]
    assert row.low is not None and row.high is not None
    assert 0.99 < row.low < 1 < row.high < 1.01


def test_a_slower_artifact_is_a_regression(tmp_path: Path) -> None:
    result = timed(tmp_path, 1.1)
    assert decided(result)["tflite-int8"] is Decision.REGRESSION
    assert decided(result)["tflite-float32"] is Decision.PASS
    assert result.exit_code == 4
    allowed = gate(result.base, result.new, max_regression="12")
    assert allowed.exit_code == 0 and allowed.max_regression == 0.12
    faster = gate(result.new, result.base)
    assert faster.exit_code == 0 and faster.rows[1].ratio == pytest.approx(1 / 1.1, rel=0.01)


def test_an_interval_around_the_limit_decides_nothing(tmp_path: Path) -> None:
    result = timed(tmp_path, 1.02, restless=0.01)
    assert decided(result)["tflite-int8"] is Decision.UNDECIDED
    assert result.exit_code == 5
    assert "the limit of 2 % is within the interval" in result.rows[1].reason


def test_twins_that_lie_apart_widen_the_interval(tmp_path: Path) -> None:
    base, new = bundles(tmp_path)
    for bundle, again in ((base, 1.0), (new, 1.05)):
        add_rounds(bundle, "tflite-float32", 1e7, before=QUIET)
        add_rounds(bundle, "tflite-float32", 1e7 * again, label="again", before=QUIET)
    (row,) = gate(base.path, new.path).rows
    assert row.high is not None and row.low is not None
    assert 1.04 < row.high < 1.06 and 0.94 < row.low < 0.97
    assert row.decision is Decision.UNDECIDED


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"preset": "smoke"}, "then too few"),
        ({"after": {"throttled": "throttled"}}, "then throttled"),
        ({"in_force": {"cpu_throttle": "4"}}, "then throttled on purpose"),
    ],
)
def test_what_is_not_to_be_believed_decides_nothing(
    tmp_path: Path, options: dict[str, object], reason: str
) -> None:
    result = timed(tmp_path, 1.5, **options)
    assert result.exit_code == 5
    assert all(row.reason.startswith(reason) for row in result.rows), result.rows


SEEN = QUIET | {
    "frequency_mhz": 1800,
    "governor": "performance",
    "temperature_c": 50,
    "throttled": "",
    "work_ns": 1_000_000,
}


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        (SEEN, SEEN, ""),
        (SEEN, {**SEEN, "unknown": "throttled"}, "unknown: throttled"),
        ({**SEEN, "unknown": "throttled"}, SEEN, "unknown: throttled"),
        ({}, {}, "unknown: frequency_mhz, governor, temperature_c, throttled, work_ns"),
        (SEEN, {"unknown": ""}, "unknown: frequency_mhz, governor, temperature_c, throttled, work"),
    ],
)
def test_a_board_that_may_have_been_throttled_decides_nothing(
    tmp_path: Path, before: dict[str, str | int], after: dict[str, str | int], reason: str
) -> None:
    base, new = bundles(tmp_path)
    add_rounds(base, "tflite-int8", 1e7, target="ssh:pi", before=SEEN, after=SEEN)
    add_rounds(new, "tflite-int8", 1.5e7, target="ssh:pi", before=before, after=after)
    found = gate(base.path, new.path)
    if not reason:
        assert found.exit_code == 4
        return
    assert found.exit_code == 5
    assert found.rows[0].reason.startswith(f"now it could have been throttled: {reason}")
    assert gate(new.path, base.path).rows[0].reason.startswith("then it could have been throttled")


def test_another_machine_decides_nothing(tmp_path: Path) -> None:
    base, new = bundles(tmp_path)
    add_rounds(base, "tflite-int8", 1e7, before=QUIET)
    add_rounds(new, "tflite-int8", 3e7, before={**QUIET, "cpu": "another board"})
    result = gate(base.path, new.path)
    assert result.exit_code == 5
    assert result.rows[0].reason == (
        "measured on another machine: cpu was a board, is another board"
    )


def test_what_is_missing_in_the_new_bundle_is_not_a_pass(tmp_path: Path) -> None:
    base, new = bundles(tmp_path)
    add_rounds(base, "tflite-int8", 1e7, before=QUIET)
    add_counts(base, "tflite-int8", 1e6)
    result = gate(base.path, new.path)
    assert result.exit_code == 5
    assert [row.reason for row in result.rows] == [
        "not measured in the new one",
        "not counted in the new one",
    ]
    empty = gate(new.path, base.path)
    assert empty.exit_code == 5 and not empty.rows
    assert "nothing to compare with" in empty.notes[-1]
    assert f"only {base.path} has tflite-int8 in litert on local" in empty.notes
    with pytest.raises(UnknownName, match="did you mean 'int8'"):
        gate(new.path, base.path, artifacts=["int"])
    assert gate(new.path, base.path, artifacts=["int8"]).exit_code == 5


@pytest.mark.parametrize(
    ("change", "spread", "decision"),
    [
        (1.0, 0.0005, Decision.PASS),
        (1.019, 0.0005, Decision.PASS),
        (1.021, 0.0005, Decision.REGRESSION),
        (0.5, 0.0005, Decision.PASS),
        (1.02, 0.0005, Decision.UNDECIDED),  # the limit is within what was counted
    ],
)
def test_instructions_are_held_against_the_limit(
    tmp_path: Path, change: float, spread: float, decision: Decision
) -> None:
    base, new = bundles(tmp_path)
    add_counts(base, "tflite-int8", 2e6, spread=spread)
    add_counts(new, "tflite-int8", 2e6 * change, spread=spread)
    result = gate(base.path, new.path)
    (row,) = result.rows
    assert row.metric == "instructions" and row.decision is decision
    assert row.ratio == pytest.approx(change, rel=1e-4)
    assert row.base == pytest.approx(2e6, rel=1e-4)


def test_times_of_an_emulated_board_are_never_compared(tmp_path: Path) -> None:
    base, new = bundles(tmp_path)
    for bundle, slower in ((base, 1), (new, 9)):
        add_rounds(bundle, "tflite-int8", 1e7 * slower, before=QUIET, target="emulated:pi4")
        add_counts(bundle, "tflite-int8", 2e6)
    result = gate(base.path, new.path)
    assert result.exit_code == 0 and [row.metric for row in result.rows] == ["instructions"]
    assert "emulated boards are left out" in result.notes[0]
    asked = gate(base.path, new.path, metric="latency")
    assert asked.exit_code == 5 and "no latency" in asked.rows[0].reason


def test_counts_of_another_file_are_no_part_of_it(tmp_path: Path) -> None:
    base, new = bundles(tmp_path)
    add_counts(base, "tflite-int8", 2e6)
    add_counts(new, "tflite-int8", 2e6, sha256="of another file")
    result = gate(base.path, new.path)
    assert result.rows[0].reason == "not counted in the new one"
    assert (
        f"{new.path}: tflite-int8: counts set aside, of another file of this name" in result.notes
    )


def test_another_version_is_said_and_is_no_regression_of_counts(tmp_path: Path) -> None:
    base, new = bundles(tmp_path)
    add_counts(base, "tflite-int8", 2e6)
    add_counts(new, "tflite-int8", 3e6, runtime="ai-edge-litert 2.2.0")
    words = "other versions: runtime was ai-edge-litert 2.1.0, is ai-edge-litert 2.2.0"
    result = gate(base.path, new.path)
    assert result.exit_code == 5 and result.rows[0].reason == words
    for bundle, slower, version in ((base, 1, "2.1.0"), (new, 2, "2.2.0")):
        in_force = {"runtime": f"ai-edge-litert {version}"}
        add_rounds(bundle, "tflite-int8", 1e7 * slower, before=QUIET, in_force=in_force)
    result = gate(base.path, new.path, metric="latency")
    assert result.exit_code == 4 and result.rows[0].reason == words


def test_the_latest_job_counts(tmp_path: Path) -> None:
    base, new = bundles(tmp_path)
    add_counts(base, "tflite-int8", 2e6)
    add_counts(new, "tflite-int8", 9e6, job="count-1")
    add_counts(new, "tflite-int8", 2e6, job="count-2")
    assert gate(base.path, new.path).exit_code == 0


def test_some_artifacts_only(tmp_path: Path) -> None:
    base, new = bundles(tmp_path)
    for name, change in (("tflite-float32", 2), ("tflite-int8", 1)):
        add_counts(base, name, 1e6)
        add_counts(new, name, 1e6 * change)
    assert gate(base.path, new.path).exit_code == 4
    assert gate(base.path, new.path, artifacts=["int8"]).exit_code == 0
    assert gate(base.path, new.path, artifacts=["tflite-float32"]).exit_code == 4
    with pytest.raises(UnknownName, match="did you mean 'int8'"):
        gate(base.path, new.path, artifacts=["int"])


@pytest.mark.parametrize("text", ["", "two", "-1%", "nan", "1e9"])
def test_a_limit_is_percent(tmp_path: Path, text: str) -> None:
    base, new = bundles(tmp_path)
    with pytest.raises(BadInput, match="percent that it may be slower"):
        gate(base.path, new.path, max_regression=text)


def test_bad_names(tmp_path: Path) -> None:
    base, _ = bundles(tmp_path)
    with pytest.raises(BadInput, match="no such bundle"):
        gate(base.path, tmp_path / "absent")
    with pytest.raises(UnknownName, match="no metric named 'size'"):
        gate(base.path, base.path, metric="size")


def test_the_command(tmp_path: Path, command: Command) -> None:
    base, new = bundles(tmp_path)
    add_counts(base, "tflite-int8", 2e6)
    add_counts(new, "tflite-int8", 2.2e6)
    ran = command("gate", base.path, new.path)
    assert ran.code == 4, ran.err
    lines = ran.out.splitlines()
    assert lines[0].split() == [
        *("artifact", "runtime", "metric", "base", "new", "change", "decision")
    ]
    assert lines[1].split()[:4] == ["tflite-int8", "litert", "on", "emulated:pi4"]
    assert "+10.00% (+9.98%..+10.02%)" in lines[1] and lines[1].endswith("regression")
    assert lines[-1] == (
        "regression: 0 pass, 1 regression, 0 not enough data; 2 % slower is allowed"
    )
    said = command("gate", base.path, new.path, "--max-regression", "11%", "--json")
    assert said.code == 0 and said.err == ""
    found = json.loads(said.out)
    assert found["decision"] == "pass" and found["rows"][0]["metric"] == "instructions"

"""What ``compress`` prints: the steps beside the source, their notes, and each try of a search."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tests.toolkit import report_bundle as made
from tests.toolkit.bench_bundle import make_bundle

from edgewright.cli.compress import _print
from edgewright.compression.options import CompressResult
from edgewright.compression.shown import HEADINGS, notes, rows, try_line
from edgewright_runtimes.records import Compressed, Skipped, Try

RECORD = made.step(
    "prune",
    "prune50",
    notes=("stopped after epoch 4",),
    skipped=(Skipped(layer="lstm", reason="no kernel"),),
)
COMPRESSED = Compressed(
    key="k", source_sha256="s", model="m", records=(RECORD,), source_scores={"accuracy": 0.9}
)
TRY = made.attempt(
    "int8",
    metric="accuracy",
    score=0.884,
    change=-0.016,
    low=-0.02,
    high=0.001,
    size_bytes=44_456,
    seconds=108.2,
)


def test_a_row_for_the_source_and_one_for_each_step() -> None:
    source, pruned = rows(COMPRESSED)
    assert len(source) == len(pruned) == len(HEADINGS)
    assert source == ["source", "1,000", "1,000", "50,000", "4,000", "3,800", "90.00%", ""]
    assert pruned == ["prune50", "1,000", "500", "50,000", "4,000", "2,100", "88.50%", "12.0"]


def test_what_cannot_be_counted_or_scored_is_blank() -> None:
    record = replace(RECORD, scores={}, after=replace(RECORD.after, macs=None))
    last = rows(replace(COMPRESSED, records=(record,), source_scores={}))[-1]
    assert last[3] == "" and last[6] == ""


def test_notes_name_the_step_and_the_layer() -> None:
    assert notes(COMPRESSED) == [
        "scores are of 200 items that were not learnt from",
        "prune50: stopped after epoch 4",
        "prune50: lstm left as it was: no kernel",
    ]
    alone = replace(RECORD, items=1)
    first, *_ = notes(replace(COMPRESSED, records=(alone,)))
    assert first == "scores are of 1 item that was not learnt from"


@pytest.mark.parametrize(
    ("attempt", "expected"),
    [
        (TRY, "accuracy 88.40 % (-1.60; -2.00..+0.10); 44,456 B; 108 s"),
        (replace(TRY, low=None), "accuracy 88.40 % (-1.60); 44,456 B; 108 s"),
        (replace(TRY, metric="mae", score=45.06), "mae 45.06 (-1.60 %; -2.00..+0.10); 44,456"),
    ],
)
def test_a_try_is_one_line(attempt: Try, expected: str) -> None:
    said = try_line(attempt)
    assert said.split()[:2] == ["tflite-int8", "rejected:"]
    assert f"outside accuracy:0.5; {expected}" in said


def test_a_try_that_was_not_made_has_its_reason() -> None:
    skipped = made.attempt("x", "skipped", reason="no data")
    assert try_line(skipped).split(maxsplit=1)[1] == "skipped: no data"


@pytest.mark.parametrize(
    ("names", "target", "expected"),
    [
        (("tflite-int8", "tfjs-float32"), "local", "check {} --data TEST; edgewright bench {}\n"),
        (("tfjs-float32",), "local", "bench {} --target browser:chromium\n"),
        (("tfjs-float32",), "browser:firefox", "bench {} --target browser:firefox\n"),
    ],
)
def test_what_to_type_next_runs_what_was_made(
    names: tuple[str, ...],
    target: str,
    expected: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    bundle = make_bundle(tmp_path / "b")
    result = CompressResult(
        bundle=bundle.path,
        compressed=None,
        controls=(),
        artifacts=tuple(bundle.artifact(name) for name in names),
        failures=(),
        warnings=(),
    )
    _print(result, target)
    assert capsys.readouterr().out.endswith(expected.format(bundle.path, bundle.path))

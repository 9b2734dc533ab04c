"""What decides a step's result is in its name, and what does not is not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from edgewright.compression.keys import stage_keys
from edgewright.compression.options import CompressOptions
from edgewright.compression.variants import made_formats
from edgewright.conversion.options import ConvertOptions
from edgewright_converters.compression.recipe import parse_name, read_steps
from edgewright_runtimes.preprocess import Preprocess
from edgewright_runtimes.records import Format

LATENCY = read_steps([{"kind": "prune-channels", "objective": "latency"}, {"kind": "finetune"}])


@pytest.fixture
def options() -> CompressOptions:
    convert = ConvertOptions(
        model=Path("m.keras"),
        out=Path("b"),
        variants=(),
        preprocess=Preprocess.from_dict({}),
        source_sha256="s",
    )
    return CompressOptions(convert=convert, steps=parse_name("prune50_finetune")[:2], data="")


def test_where_and_as_what_it_is_timed_counts_for_steps_that_time(options: CompressOptions) -> None:
    others = (
        replace(options, target="browser:chromium"),
        replace(options, formats=("onnx", "tflite")),
    )
    for other in others:
        assert stage_keys(other, None) == stage_keys(options, None)
        timed = replace(options, steps=LATENCY), replace(other, steps=LATENCY)
        assert not set(stage_keys(timed[0], None)) & set(stage_keys(timed[1], None))
    second = replace(options, steps=LATENCY, formats=("tflite",))
    assert stage_keys(second, None) == stage_keys(replace(options, steps=LATENCY), None)


def test_a_changed_step_changes_its_name_and_none_before_it(options: CompressOptions) -> None:
    other = replace(options, steps=(options.steps[0], *parse_name("cluster16")[:1]))
    (first, _), (same, changed) = stage_keys(options, None), stage_keys(other, None)
    assert first == same and changed != stage_keys(options, None)[1]


@pytest.mark.parametrize(
    ("table", "formats", "expected"),
    [
        ({}, ("onnx", "tflite"), ("onnx", "tflite")),
        ({"formats": ["onnx"]}, ("tflite", "onnx"), ("onnx",)),
        ({"formats": ["tfjs"], "schemes": ["uint8"]}, ("tflite",), ("tfjs",)),
        ({"schemes": ["int16x8"]}, ("onnx", "tflite"), ("tflite",)),
    ],
)
def test_it_is_timed_as_the_first_format_that_is_made(
    table: dict[str, list[str]], formats: tuple[Format, ...], expected: tuple[Format, ...]
) -> None:
    steps = read_steps([{"kind": "quantize", **table}])
    assert made_formats(steps, formats) == expected

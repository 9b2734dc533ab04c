"""The step that names artifacts: its options, its labels, and names read back."""

from __future__ import annotations

import pytest

from edgewright_converters.compression.fields import as_table, read_fields
from edgewright_converters.compression.quantize import Quantize, from_label
from edgewright_converters.compression.recipe import parse_name, read_steps
from edgewright_runtimes.errors import BadInput, UnknownName
from edgewright_runtimes.records import Variant


@pytest.mark.parametrize(
    ("options", "label"),
    [
        (Quantize(), ""),
        (Quantize(mixed="search"), "mixed"),
        (Quantize(mixed="search-int16"), "mixed16"),
        (Quantize(bias_correction=True), "biascorrected"),
        (Quantize(mixed="search", bias_correction=True), "mixedbiascorrected"),
    ],
)
def test_a_label_says_all_of_the_usual_options_and_is_read_back(
    options: Quantize, label: str
) -> None:
    assert options.label == label
    if label:
        assert from_label(label) == options


def test_own_patterns_and_limits_get_labels_that_tell_them_apart() -> None:
    labels = {
        Quantize(keep_float=("b1_*",)).label,
        Quantize(keep_float=("b2_*",)).label,
        Quantize(int16=("b1_*",), formats=("tflite",)).label,
        Quantize(mixed="search", max_loss=1.0).label,
        "mixed",
    }
    assert len(labels) == 5
    assert all(label.startswith("mixed") and label.isalnum() for label in labels)


def test_a_name_with_the_label_before_the_scheme() -> None:
    steps = parse_name("mixed_int8")
    assert [step.kind for step in steps] == ["quantize"]
    assert Variant(format="tflite", scheme="int8", steps=steps).name == "tflite-mixed_int8"
    assert read_fields(Quantize, steps[0].params, where="") == Quantize(mixed="search")


def test_plain_names_stay_as_they_were() -> None:
    (step,) = parse_name("float16")
    assert (step.label, dict(step.params)) == ("", {"schemes": ["float16"]})


@pytest.mark.parametrize("name", ["int8_int8", "mixed_mixed_int8", "mixed_float16"])
def test_names_that_make_no_sense(name: str) -> None:
    with pytest.raises(BadInput):
        parse_name(name)


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"mixed": "serach"}, "'search'"),
        ({"mixed": "search", "keep_float": ["a"]}, "mixed is 'search', which finds itself what"),
        ({"mixed": "search", "schemes": ["float16"]}, "int8 alone"),
        ({"int16": ["a"], "formats": ["onnx"]}, "TFLite's alone"),
        ({"bias_correction": True, "formats": ["tfjs"]}, "tfjs has no int8"),
        ({"mixed": "search", "max_size": 0.5}, "max_size is 0.5"),
        ({"mixed": "search", "max_loss": -1.0}, "max_loss is -1; 0 points or more was expected"),
        ({"schemes": []}, "schemes is empty; one or more was expected; known: float32"),
        ({"max_size": float("nan")}, "max_size is nan"),
        ({"min_sqnr_db": float("nan")}, "min_sqnr_db is nan"),
    ],
)
def test_what_makes_no_sense_is_refused(table: dict[str, object], words: str) -> None:
    with pytest.raises(BadInput, match=words):
        read_steps([{"kind": "quantize", **table}])


def test_unknown_schemes_and_formats_are_named() -> None:
    with pytest.raises(UnknownName, match="int8"):
        Quantize(schemes=("int9",))
    with pytest.raises(UnknownName, match="tflite"):
        Quantize(formats=("tflight",))


def test_a_table_holds_what_differs() -> None:
    options = Quantize(keep_float=("b1_*",), max_size=2.0)
    assert as_table(options) == {"keep_float": ["b1_*"], "max_size": 2.0}
    assert read_fields(Quantize, as_table(options), where="") == options

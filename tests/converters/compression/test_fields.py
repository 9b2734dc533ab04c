"""Tables become dataclasses: every wrong field is named, with the way to it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import pytest

from edgewright_converters.compression.fields import FieldError, as_table, read_fields
from edgewright_runtimes.errors import BadInput, UnknownName


@dataclass(frozen=True, kw_only=True)
class Inner:
    epochs: int = 3
    teacher: Literal["labels", "original"] = "labels"

    def __post_init__(self) -> None:
        if self.epochs < 0:
            raise BadInput(f"epochs is {self.epochs}; 0 or more was expected", hint="try 3")


@dataclass(frozen=True, kw_only=True)
class Outer:
    ratio: float
    names: tuple[str, ...] = ()
    seed: int | None = None
    batch: int | str = ""
    on: bool = False
    inner: Inner = field(default_factory=Inner)

    def __post_init__(self) -> None:
        if "moon" in self.names:
            raise UnknownName("place", "moon", ["earth"])


def test_what_is_not_there_has_its_default_and_numbers_become_what_they_are() -> None:
    read = read_fields(Outer, {"ratio": 1, "names": ["a"], "inner": {"epochs": 5}})
    assert read == Outer(ratio=1.0, names=("a",), inner=Inner(epochs=5))
    assert type(read.ratio) is float


def test_there_and_back() -> None:
    params = Outer(ratio=0.5, names=("a", "b"), inner=Inner(teacher="original"))
    assert as_table(params) == {
        "ratio": 0.5,
        "names": ["a", "b"],
        "inner": {"teacher": "original"},
    }
    assert read_fields(Outer, as_table(params)) == params
    assert as_table(Outer(ratio=0.5)) == {"ratio": 0.5}


@pytest.mark.parametrize(
    ("table", "way", "expected"),
    [
        ({"ration": 1}, ("ration",), "step: no field 'ration'; known: batch, inner, names, on, ra"),
        ({"ratio": 1, "ration": 1}, ("ration",), "did you mean 'ratio'?"),
        ({}, (), "step.ratio is missing"),
        ({"ratio": "half"}, ("ratio",), "step.ratio is 'half'; a number was expected"),
        ({"ratio": True}, ("ratio",), "step.ratio is True; a number was expected"),
        ({"ratio": 1, "seed": 1.5}, ("seed",), "step.seed is 1.5; a whole number was expected"),
        ({"ratio": 1, "batch": []}, ("batch",), "is []; a whole number or text was expected"),
        ({"ratio": 1, "on": "yes"}, ("on",), "step.on is 'yes'; true or false was expected"),
        ({"ratio": 1, "names": [1]}, ("names",), "step.names is [1]; a list of texts was expected"),
        ({"ratio": 1, "inner": 3}, ("inner",), "step.inner is 3; a table was expected"),
        (
            {"ratio": 1, "inner": {"teacher": "me"}},
            ("inner", "teacher"),
            "step.inner.teacher is 'me'; one of 'labels', 'original' was expected",
        ),
        (
            {"ratio": 1, "inner": {"epochs": -1}},
            ("inner", "epochs"),
            "step.inner: epochs is -1; 0 or more was expected; try 3",
        ),
        ({"ratio": 1, "names": ["moon"]}, (), "step: no place named 'moon'; known: earth"),
    ],
)
def test_what_is_wrong_is_named_with_the_way_to_it(
    table: dict[str, Any], way: tuple[str, ...], expected: str
) -> None:
    with pytest.raises(FieldError) as error:
        read_fields(Outer, table, where="step")
    assert expected in str(error.value) and error.value.way == way


def test_checks_are_by_section_and_field() -> None:
    def odd(value: int) -> None:
        if not value % 2:
            raise BadInput(f"it is {value}; an odd number was expected", hint="try 3")

    checks = {"inner.epochs": odd}
    assert read_fields(Outer, {"ratio": 1, "inner": {"epochs": 3}}, checks=checks).inner.epochs == 3
    with pytest.raises(FieldError, match=r"^inner.epochs: it is 4; an odd number.*; try 3") as e:
        read_fields(Outer, {"ratio": 1, "inner": {"epochs": 4}}, checks=checks)
    assert e.value.way == ("inner", "epochs")
    assert e.value.below("steps", 0).way == ("steps", 0, "inner", "epochs")
